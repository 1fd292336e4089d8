import { playDevAndSecurity } from './dev-and-security.js'
import { Stage } from './stage.js'
import { playStory } from './story.js'

/** `npm run demo [-- --dev-and-security]`: exit 0 only if every step did what it must. */
const words = process.argv.slice(2)
const unknown = words.filter((word) => word !== '--dev-and-security')
if (unknown.length > 0) {
  process.stderr.write(`demo: unknown word ${unknown.join(' ')}; the only one is --dev-and-security\n`)
  process.exit(1)
}
const stage = await Stage.open()
try {
  await (words.length > 0 ? playDevAndSecurity(stage) : playStory(stage))
  stage.say(`\nEvery one of the ${stage.steps} commands did what it must.`)
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await stage.close()
}
