import { LmappError } from 'lmapp-kit'
import type { GetOptions } from './http.ts'

export interface FetchTextOptions extends Pick<GetOptions, 'signal' | 'stallMs' | 'environment'> {
  longestBytes: number
}

/**
 * A small text from a server of the user's choice, in one try; redirects as in `createJourney`.
 * Throws `download-failed`, which says why and nothing of where, and the abort reason.
 */
export async function fetchText(url: string, { longestBytes, ...options }: FetchTextOptions): Promise<string> {
  const { get, readText, TransientError } = await import('./http.ts')
  try {
    const response = await get(url, options)
    try {
      if (response.statusCode !== 200) throw toFailed(`The server answered ${response.statusCode}.`)
      return await readText(response, longestBytes)
    } finally {
      response.destroy()
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (!(error instanceof TransientError)) throw error
    throw toFailed(`It did not arrive: ${error.message}.`, error)
  }
}

function toFailed(message: string, cause?: Error): LmappError {
  return new LmappError('download-failed', message, { cause })
}
