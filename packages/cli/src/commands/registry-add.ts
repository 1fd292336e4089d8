import { readFile } from 'node:fs/promises'
import { addRegistry } from '@nv2/client'
import type { Run } from '../context.js'
import { usage } from '../errors.js'
import { registryJson, registryText } from './registry-text.js'

export const run: Run<{
  readonly root?: string
  readonly rootSha256?: string
  readonly namespace?: readonly string[]
  readonly oci?: string
  readonly defaultUpload?: boolean
  readonly defaultDownload?: boolean
}> = async ({ home, out }, [name = '', url = ''], options) => {
  const { root, rootSha256, namespace, oci, defaultUpload = false, defaultDownload = false } = options
  const bytes = root === undefined ? undefined : await readRoot(root)
  const registry = await addRegistry(home, {
    name,
    url,
    ...(bytes && { root: bytes }),
    ...(rootSha256 !== undefined && { rootSha256 }),
    ...(namespace && { namespaces: namespace }),
    ...(oci !== undefined && { oci }),
    defaultUpload,
    defaultDownload,
  })
  out.result(registryJson(registry), registryText(registry))
}

async function readRoot(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'it does not exist' : cause.message
    throw usage(`the root file ${path} cannot be read: ${why}`)
  })
}
