import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type LoopbackServer, openServer } from '../../../../../core/src/models/testing/hub-server.ts'

export interface RegistryServer extends LoopbackServer {
  /** Answers in another way when it returns `true`. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface RegistryContent {
  /** By name: the tarballs by version; the last is the newest. */
  npm?: Record<string, Record<string, Buffer>>
  /** By name: wheels by file name. */
  pypi?: Record<string, Record<string, Buffer>>
}

/** What npm and pip need of a registry, on loopback. */
export async function openRegistry({ npm = {}, pypi = {} }: RegistryContent): Promise<RegistryServer> {
  const server = await openServer((request, response) => {
    const [, first = '', second = '', third = ''] = decodeURIComponent(request.url ?? '').split('/')
    if (registry.instead(request, response)) return
    const bytes = npm[second]?.[third] ?? pypi[second]?.[third]
    if (first === 'file' && bytes) response.end(bytes)
    else if (first === 'simple' && pypi[second])
      response.setHeader('content-type', 'text/html').end(toIndex(second, pypi[second]))
    else if (npm[first]) response.setHeader('content-type', 'application/json').end(toPackument(server.url, first, npm))
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
  })
  const registry: RegistryServer = { ...server, instead: () => false }
  return registry
}

/** Variables by which npm and pip ask it and nobody else, keep nothing, and do not try again. */
export function registryVariables(url: string, folder: string): Record<string, string> {
  return {
    npm_config_registry: url,
    npm_config_cache: `${folder}/npm-cache`,
    npm_config_fetch_retries: '0',
    npm_config_update_notifier: 'false',
    PIP_INDEX_URL: `${url}/simple`,
    PIP_NO_CACHE_DIR: '1',
    PIP_RETRIES: '0',
  }
}

function toPackument(url: string, name: string, npm: NonNullable<RegistryContent['npm']>): string {
  const versions = Object.entries(npm[name] ?? {}).map(([version, bytes]) => {
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    return [version, { name, version, dist: { tarball: `${url}/file/${name}/${version}`, integrity } }] as const
  })
  const latest = versions.at(-1)?.[0]
  return JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) })
}

function toIndex(name: string, wheels: Readonly<Record<string, Buffer>>): string {
  const links = Object.entries(wheels).map(([file, bytes]) => {
    const sum = createHash('sha256').update(bytes).digest('hex')
    return `<a href="/file/${name}/${file}#sha256=${sum}">${file}</a>`
  })
  return `<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`
}
