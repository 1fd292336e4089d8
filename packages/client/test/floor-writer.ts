import { raiseFloors } from '../src/floor-files.js'
import { NO_FLOORS } from '../src/floors.js'

/** Raises floors again and again; trust-files.test.ts runs several of these at once. */
const [folder = '', from = '0', count = '0'] = process.argv.slice(2)
for (let n = Number(from); n < Number(from) + Number(count); n++) {
  const roles = new Map([
    [`role-${from}`, n],
    ['shared', n],
  ])
  const floors = await raiseFloors(folder, { ...NO_FLOORS, roles }, () => Promise.resolve([]))
  if ((floors.roles.get('shared') ?? 0) < n) process.exit(1)
}
