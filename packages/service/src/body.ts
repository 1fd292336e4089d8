import type { IncomingMessage } from 'node:http'
import { ServiceError } from './errors.js'

/** Reads a body of at most `limit` bytes; refuses as soon as it is longer, or says that it will be (spec 5: endless data). */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    return Promise.reject(
      new ServiceError(
        'UNSUPPORTED_ENCODING',
        'send the upload without content encoding: compressed data has no known size',
      ),
    )
  const tooLarge = (): ServiceError =>
    new ServiceError('UPLOAD_TOO_LARGE', `the upload has more than ${limit} bytes; send fewer roles at once`)
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const stop = (error: ServiceError): void => {
      request.removeAllListeners('data')
      request.resume()
      chunks.length = 0
      reject(error)
    }
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) stop(tooLarge())
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    const broken = (): void => stop(new ServiceError('BAD_REQUEST', 'the upload broke off'))
    request.on('error', broken)
    request.on('close', broken)
  })
}
