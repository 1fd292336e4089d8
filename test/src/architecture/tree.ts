import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest, Source } from './source.js'

/** The root of the checkout, seen from test/dist/architecture. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function folders(path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
}

export function manifest(name: string): Manifest {
  return JSON.parse(read(`packages/${name}/package.json`)) as Manifest
}

/** The TypeScript of a package and the JavaScript of its bin folder. */
export function sources(name: string): Source[] {
  return files(`packages/${name}`)
    .filter((path) => /^(src|test)\/.*\.ts$|^bin\/.*\.js$/.test(path))
    .map((path) => ({ package: name, path, text: read(`packages/${name}/${path}`) }))
}

/** Files below a folder, without what is built or installed. */
export function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, folder).length + 1))
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
}
