import { readFile } from 'node:fs/promises'
import { get as getHttp, Agent as HttpAgent } from 'node:http'
import { get as getHttps, Agent as HttpsAgent } from 'node:https'
import { type PluginRegistry, parseRegistry } from '@lmapp/backends/plugins/install'
import { describePlace, parseSourcePlace } from '@lmapp/core/models'
import { LmappError } from 'lmapp-kit'
import shipped from '../../../registry.json' with { type: 'json' }
import type { PluginSession } from './install-plugin-session.ts'

/** The list of known plugins: that of the configuration, or the one that lmapp brings. */
export async function readRegistry(session: PluginSession): Promise<PluginRegistry> {
  const { backends } = session.config.sources
  if (!backends) return parseRegistry(JSON.stringify(shipped), 'registry.json of lmapp')
  const place = parseSourcePlace(backends, 'sources.backends')
  if (place.kind === 'folder') return parseRegistry(await readList(place.path), place.path)
  if (session.offline) {
    throw new LmappError(
      'offline',
      `${describePlace(place)} lists the known plugins, and LMAPP_OFFLINE forbids asking it.`,
      {
        hint: 'Name the source itself, or a list on this machine: lmapp config set sources.backends /FILE',
      },
    )
  }
  return parseRegistry(await fetchList(place.url, session), place.url)
}

const mostBytes = 4 * 1024 * 1024
const stallMs = 30_000

async function readList(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LmappError('path-unusable', `The list of plugins ${path} cannot be read (${code}).`, {
      hint: 'Correct it, or take the one that lmapp brings: lmapp config unset sources.backends',
      details: { path },
      cause,
    })
  }
}

async function fetchList(url: string, { context, signal }: PluginSession): Promise<string> {
  const isSecure = url.startsWith('https:')
  const proxies = { proxyEnv: context.environment }
  const agent = isSecure ? new HttpsAgent(proxies) : new HttpAgent(proxies)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const fail = (why: string, cause?: unknown) => reject(toUnreachable(url, why, cause))
  const request = (isSecure ? getHttps : getHttp)(url, { agent, signal, timeout: stallMs }, (response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    if (response.statusCode !== 200) return void request.destroy(new Error(`it answered ${response.statusCode}`))
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) request.destroy(new Error('its answer is far too long'))
      chunks.push(chunk)
    })
    response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    response.on('error', (error) => fail(error.message, error))
  })
  request.on('timeout', () => request.destroy(new Error(`nothing came for ${stallMs / 1000} s`)))
  request.on('error', (error) => fail(error.message, error))
  try {
    return await promise
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    agent.destroy()
  }
}

function toUnreachable(url: string, why: string, cause: unknown): LmappError {
  const from = describePlace({ kind: 'address', url })
  return new LmappError('download-failed', `The list of plugins cannot be had from ${from}: ${why}.`, {
    hint: 'Try again, or take the one that lmapp brings: lmapp config unset sources.backends',
    details: { url: from },
    cause,
  })
}
