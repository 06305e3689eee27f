import type { IncomingHttpHeaders } from 'node:http'
import { LmappError } from 'lmapp-kit'
import { assertSuccess } from './download.ts'
import { type GetOptions, get, readJson } from './http.ts'
import type { HubFile } from './hub-file.ts'
import type { HubSource } from './sources.ts'

export interface HubOptions extends GetOptions {
  /** Without slash at the end. */
  endpoint: string
}

/** All files of a repository. Throws `model-not-found`, `unauthorized`, `download-failed`, or a `TransientError`. */
export async function listHubFiles(source: HubSource, options: HubOptions): Promise<HubFile[]> {
  const files: HubFile[] = []
  let url = `${options.endpoint}/api/models/${source.owner}/${source.repo}/tree/main?recursive=true`
  for (let page = 0; page < mostPages; page += 1) {
    const response = await get(url, options)
    try {
      assertHubAnswer(response.statusCode, response.headers, source)
      files.push(...parseTree(await readJson(response, longestListing), source, options.endpoint))
    } finally {
      response.destroy()
    }
    const next = nextPage(response.headers.link, url)
    if (next === undefined) return files
    url = next
  }
  return files
}

/** Throws what an answer that is no success means. */
export function assertHubAnswer(status: number | undefined, headers: IncomingHttpHeaders, source: HubSource): void {
  if (status === 401 || status === 403) throw toRefused(source)
  if (status === 404) {
    throw new LmappError('model-not-found', `There is no ${source.owner}/${source.repo} on the hub.`, {
      hint: 'Check how it is written: hf:owner/repo',
      details: { source: source.text },
    })
  }
  assertSuccess(status, headers, source.text)
}

const mostPages = 20
const longestListing = 16 * 1024 * 1024

/** Only within the same server. */
function nextPage(link: string | string[] | undefined, url: string): string | undefined {
  const [, target] = /<([^>]+)>;\s*rel="next"/.exec([link ?? ''].flat().join(',')) ?? []
  const next = target !== undefined && URL.canParse(target, url) ? new URL(target, url) : undefined
  return next?.origin === new URL(url).origin ? next.href : undefined
}

function parseTree(body: unknown, source: HubSource, endpoint: string): HubFile[] {
  if (!Array.isArray(body)) throw new LmappError('download-failed', 'The hub answered no list of files.')
  return body.flatMap((item) => parseEntry(item, source, endpoint) ?? [])
}

function parseEntry(item: unknown, source: HubSource, endpoint: string): HubFile | undefined {
  const { type, path, size, lfs } = toRecord(item)
  if (type !== 'file' || typeof path !== 'string' || !Number.isSafeInteger(size)) return undefined
  const { oid } = toRecord(lfs)
  const escaped = path.split('/').map(encodeURIComponent).join('/')
  return {
    path,
    url: `${endpoint}/${source.owner}/${source.repo}/resolve/main/${escaped}`,
    sizeBytes: Number(size),
    sha256: typeof oid === 'string' && /^[0-9a-f]{64}$/.test(oid) ? oid : undefined,
  }
}

function toRefused(source: HubSource): LmappError {
  return new LmappError('unauthorized', `The hub does not show ${source.owner}/${source.repo}.`, {
    hint: 'Check how it is written. If it is gated: accept its terms on its page, then set HF_TOKEN to a token of yours',
    details: { source: source.text },
  })
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
