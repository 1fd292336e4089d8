/**
 * Types of statfs(2) where link() and fsync() may be answered by another host, or twice after a lost answer: two
 * services could both believe that they published (protocol S2). FUSE does not tell what is behind it and passes.
 */
const NETWORK = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9P'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
])

/** The network file system's name, or null. `type` as statfs gives it; some systems give it signed. */
export function networkFileSystem(type: number): string | null {
  return NETWORK.get(type >>> 0) ?? null
}
