import type { Registry } from '@nv2/client'

/** A registry as --json shows it. */
export function registryJson(registry: Registry): Record<string, unknown> {
  const { name, url, oci, repo, rootSha256, namespaces, defaultUpload, defaultDownload } = registry
  return { name, url, oci: oci ?? null, repo, rootSha256, namespaces, defaultUpload, defaultDownload }
}

/** A registry as people read it. */
export function registryText(registry: Registry): string {
  const uses = [
    registry.defaultUpload ? 'default for upload' : '',
    registry.defaultDownload ? 'default for download' : '',
  ].filter((use) => use !== '')
  return [
    [registry.name, registry.url, ...uses].join('  '),
    `  root sha256  ${registry.rootSha256}`,
    ...(registry.repo === registry.name ? [] : [`  repository   ${registry.repo}`]),
    ...(registry.oci === undefined ? [] : [`  artifacts    ${registry.oci}`]),
    ...(registry.namespaces.length === 0 ? [] : [`  namespaces   ${registry.namespaces.join(', ')}`]),
  ].join('\n')
}
