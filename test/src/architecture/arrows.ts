/** Which package may import which (docs/architecture.md, "Arrows"). A package that is not here may not exist. */
const libraries = [
  'tuf',
  'oci',
  'keys',
  'envelope',
  'store',
  'registry',
  'service',
  'client',
  'tuf-js-fetcher',
]

export const arrows: ReadonlyMap<string, readonly string[]> = new Map([
  ['tuf', []],
  ['oci', []],
  ['keys', ['tuf']],
  ['envelope', ['oci']],
  ['registry', ['oci']],
  ['store', ['tuf', 'oci']],
  ['service', ['store', 'tuf']],
  ['client', ['tuf', 'oci', 'keys', 'store']],
  ['tuf-js-fetcher', ['oci']],
  ['cli', libraries],
  ['docker', [...libraries, 'cli']],
  ['testkit', ['tuf', 'keys', 'oci', 'store']],
])

/** "@nv2/oci/x" -> "oci"; null for anything that is not a package of ours. */
export function ownPackage(specifier: string): string | null {
  return /^@nv2\/([^/]+)/.exec(specifier)?.[1] ?? null
}

/** "@tufjs/models/x" -> "@tufjs/models", "express/lib" -> "express". */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Tests may add the testkit, but not below it: it is built from those packages. */
export function allowedArrows(from: string, part: 'src' | 'test'): readonly string[] {
  const below = arrows.get(from) ?? []
  const underTestkit = from === 'testkit' || arrows.get('testkit')?.includes(from)
  return part === 'test' && !underTestkit ? [...below, 'testkit'] : below
}
