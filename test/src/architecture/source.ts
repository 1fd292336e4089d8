import { posix } from 'node:path'
import ts from 'typescript'
import { allowedArrows, ownPackage, packageName } from './arrows.js'

export interface Source {
  readonly package: string
  /** Path below the package's folder, with "/": "src/parse.ts", "bin/nv2.js". */
  readonly path: string
  readonly text: string
}

export interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Every arrow of this file that the design does not allow, as sentences. */
export function wrongImports(source: Source, manifest: Manifest): string[] {
  const part = source.path.startsWith('test/') ? 'test' : 'src'
  const where = `packages/${source.package}/${source.path}`
  const { importedFiles } = ts.preProcessFile(source.text, true, true)
  return importedFiles.flatMap(({ fileName }) => {
    const problem = wrongImport(source, part, fileName, manifest)
    return problem === null ? [] : [`${where} imports ${fileName}: ${problem}`]
  })
}

function wrongImport(
  source: Source,
  part: 'src' | 'test',
  specifier: string,
  manifest: Manifest,
): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('/')) return wrongRelative(source, part, specifier)
  const own = ownPackage(specifier)
  if (own === source.package) return part === 'test' ? null : 'a package does not import itself by name'
  if (own !== null && !allowedArrows(source.package, part).includes(own)) {
    return `${source.package} may not import ${own}`
  }
  if (part === 'test') return null
  if (specifier.startsWith('node:')) return impure(source.package, specifier)
  if (own !== null && specifier !== `@nv2/${own}` && !specifier.startsWith(`@nv2/${own}/`))
    return 'not a package'
  if (source.package === 'tuf') return 'the rules have no dependency'
  const name = packageName(specifier)
  return declared(manifest).includes(name) ? null : `${name} is not in its package.json`
}

function wrongRelative(source: Source, part: 'src' | 'test', specifier: string): string | null {
  const target = posix.normalize(posix.join(posix.dirname(source.path), specifier))
  if (target.startsWith('..') || specifier.startsWith('/')) return 'leaves the package'
  if (part === 'src' && target.startsWith('test/')) return 'src does not import tests'
  return null
}

function impure(from: string, specifier: string): string | null {
  return from === 'tuf' && specifier !== 'node:crypto' ? 'the rules do no I/O: node:crypto only' : null
}

/** Arrows that package.json declares and the design does not allow. */
export function wrongDependencies(from: string, manifest: Manifest): string[] {
  return declared(manifest).flatMap((name) => {
    const own = ownPackage(name)
    const allowed = own === null ? from !== 'tuf' : allowedArrows(from, 'src').includes(own)
    return allowed ? [] : [`packages/${from}/package.json depends on ${name}`]
  })
}

function declared(manifest: Manifest): string[] {
  const groups = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies]
  return groups.flatMap((group) => Object.keys(group ?? {}))
}
