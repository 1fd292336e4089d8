import type { Run } from '../context.js'
import { openService, type PlaceOptions } from '../serving/open-service.js'

interface PublishOptions extends PlaceOptions {
  readonly now?: boolean
}

export const run: Run<PublishOptions> = async (context, _args, options) => {
  const service = await openService(context, options, {
    interval: 'off',
    content: () => Promise.resolve(null),
  })
  const reports = await service.publish(undefined, { rotateNow: options.now === true })
  const idle = [...reports].filter(([, { timestamp }]) => timestamp === null).map(([name]) => name)
  context.out.result(
    { published: [...reports].map(([repository, report]) => ({ repository, ...report })) },
    idle.map((name) => `${name}: nothing to publish, nothing to renew`).join('\n'),
  )
}
