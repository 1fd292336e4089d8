import type { StoredArtifact } from '@nv2/client'

export function storedJson({ name, descriptor, children }: StoredArtifact): Record<string, unknown> {
  return {
    name,
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    children: children.map(({ digest, mediaType, artifactType, size }) => ({
      digest,
      mediaType,
      artifactType,
      size,
    })),
  }
}

export function storedText({ name, descriptor, children }: StoredArtifact): string {
  const lines = children.map((child) => `  holds  ${child.digest}  ${child.artifactType ?? child.mediaType}`)
  return [`${name}  ${descriptor.digest}`, ...lines].join('\n')
}
