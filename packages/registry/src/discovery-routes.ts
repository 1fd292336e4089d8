import { mediaTypes } from '@nv2/oci'
import { RegistryError } from './errors.js'
import { type Exchange, parameter, requireDigest } from './exchange.js'

const MAX_PAGE = 10_000

/** end-8: sorted; `last` is where the page before ended; Link leads to the next one. */
export async function listTags({ services, request, response, name }: Exchange): Promise<void> {
  const wanted = parameter(request, 'n')
  if (wanted !== undefined && !/^\d{1,9}$/.test(wanted))
    throw new RegistryError('UNSUPPORTED', 'n is a whole number')
  const size = Math.min(Number(wanted ?? MAX_PAGE), MAX_PAGE)
  const last = parameter(request, 'last')
  if (!(await services.storage.hasRepository(name)))
    throw new RegistryError('NAME_UNKNOWN', `there is no repository ${name}`)
  const all = await services.manifests.tags.list(name)
  const rest = last === undefined ? all : all.filter((tag) => tag > last)
  const tags = rest.slice(0, size)
  const end = tags.at(-1)
  if (end !== undefined && rest.length > tags.length) {
    response.set(
      'Link',
      `</v2/${name}/tags/list?n=${String(size)}&last=${encodeURIComponent(end)}>; rel="next"`,
    )
  }
  response.setHeader('Content-Type', 'application/json')
  response.status(200).end(JSON.stringify({ name, tags }))
}

/** end-12: never a 404, since that would say that this registry does not know of referrers at all. */
export async function listReferrers({ services, request, response, name, rest }: Exchange): Promise<void> {
  const artifactType = parameter(request, 'artifactType')
  const manifests = await services.manifests.referrers.list(name, requireDigest(rest), artifactType)
  if (artifactType !== undefined) response.set('OCI-Filters-Applied', 'artifactType')
  response.setHeader('Content-Type', mediaTypes.index)
  response.status(200).end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }))
}
