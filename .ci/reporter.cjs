// mocha's dots and closing lines; with NV2_REPORT=FILE also the counts as JSON, for .ci/run.
const { appendFileSync } = require('node:fs')
const { reporters } = require('mocha')

module.exports = class Reporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats
      const file = process.env.NV2_REPORT
      if (file) appendFileSync(file, `${JSON.stringify({ passes, failures, pending })}\n`)
    })
  }
}
