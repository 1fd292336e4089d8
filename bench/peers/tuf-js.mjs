// A bare client on tuf-js: node tuf-js.mjs BASE_URL ROOT FOLDER TARGET. The folder keeps its metadata between runs.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Updater } from 'tuf-js'

const [base, root, folder, path] = process.argv.slice(2)
const metadataDir = join(folder, 'metadata')
const targetDir = join(folder, 'targets')
for (const dir of [metadataDir, targetDir]) mkdirSync(dir, { recursive: true })
if (!existsSync(join(metadataDir, 'root.json'))) copyFileSync(root, join(metadataDir, 'root.json'))

const updater = new Updater({
  metadataDir,
  metadataBaseUrl: `${base}/metadata`,
  targetDir,
  targetBaseUrl: `${base}/targets`,
})
await updater.refresh()
const target = await updater.getTargetInfo(path)
if (!target) throw new Error(`not found: ${path}`)
await updater.downloadTarget(target, join(targetDir, 'target'))
