import type { IncomingHttpHeaders } from 'node:http'
import { LmappError } from 'lmapp-kit'
import { nearestNames } from '../text/nearest.ts'
import { type GetOptions, get, readJson, TransientError } from './http.ts'
import { defaultQuantization, type HubSource } from './sources.ts'

/** A GGUF file in a repository. */
export interface HubFile {
  /** In the repository. */
  path: string
  url: string
  sizeBytes: number
  /** Absent for files so small that git holds them. */
  sha256: string | undefined
  /** As `Q4_K_M`, from the name. */
  quantization: string | undefined
}

export interface HubOptions extends GetOptions {
  /** Without slash at the end. */
  endpoint: string
}

/** Finds the one file that is meant. Throws `model-not-found`, `model-ambiguous`, `unsupported`, `unauthorized`. */
export async function findHubFile(source: HubSource, options: HubOptions): Promise<HubFile> {
  const files = (await listFiles(source, options)).filter(isModelFile)
  if (files.length === 0) throw toNoFile(source, [])
  const [file, ...others] = chooseFiles(source, files)
  if (!file) throw toNoFile(source, files)
  if (file.path.match(splitPattern)) throw toSplit(source, file)
  if (others.length > 0) throw toSeveral(source, [file, ...others])
  return file
}

/** Throws what an answer that is no success means. */
export function assertAnswer(status: number | undefined, source: HubSource, headers: IncomingHttpHeaders): void {
  if (status === 200 || status === 206) return
  if (status === 401 || status === 403) throw toRefused(source)
  if (status === 404) {
    throw new LmappError('model-not-found', `There is no ${source.owner}/${source.repo} on the hub.`, {
      hint: 'Check how it is written: hf:owner/repo',
      details: { source: source.text },
    })
  }
  const isPassing = status === 408 || status === 429 || (status !== undefined && status >= 500)
  const retryAfterMs = Math.min(30, Number(headers['retry-after'] ?? Number.NaN)) * 1000
  if (isPassing) throw new TransientError(`the server answered ${status}`, { retryAfterMs: retryAfterMs || undefined })
  throw new LmappError('download-failed', `The server answered ${status} for ${source.text}.`, {
    details: { source: source.text, status },
  })
}

const mostPages = 20
const longestListing = 16 * 1024 * 1024
const splitPattern = /-\d{5}-of-\d{5}\.gguf$/i

async function listFiles(source: HubSource, options: HubOptions): Promise<HubFile[]> {
  const files: HubFile[] = []
  let url = `${options.endpoint}/api/models/${source.owner}/${source.repo}/tree/main?recursive=true`
  for (let page = 0; page < mostPages; page += 1) {
    const response = await get(url, options)
    try {
      assertAnswer(response.statusCode, source, response.headers)
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
    quantization: quantizationOf(path),
  }
}

/** Projectors of vision models are GGUF files too, and no models. */
function isModelFile({ path }: HubFile): boolean {
  return /\.gguf$/i.test(path) && !/(^|\/)(mmproj|imatrix)[^/]*$/i.test(path)
}

function chooseFiles(source: HubSource, files: readonly HubFile[]): HubFile[] {
  const { quant } = source
  if (quant === undefined) {
    const standard = files.filter((file) => file.quantization === defaultQuantization)
    return standard.length > 0 ? standard : files.length === 1 ? [...files] : []
  }
  const named = files.filter(({ path }) => path === quant || path.split('/').at(-1) === quant)
  return named.length > 0 ? named : files.filter((file) => file.quantization === quant.toUpperCase())
}

/** As `Q4_K_M`, from the name of a file. */
export function quantizationOf(path: string): string | undefined {
  const [, quantization] =
    /[-_.]((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|F16|F32|MXFP4\w*|NVFP4))(?:-\d{5}-of-\d{5})?\.gguf$/i.exec(path) ?? []
  return quantization?.toUpperCase()
}

function toNoFile(source: HubSource, files: readonly HubFile[]): LmappError {
  const known = [...new Set(files.map(({ path, quantization }) => quantization ?? path))]
  const wanted = source.quant ?? defaultQuantization
  const nearest = nearestNames(wanted, known, 8)
  const what = known.length === 0 ? 'no GGUF file' : `no ${wanted}; there are: ${nearest.join(', ')}`
  const other =
    known.length === 0 ? 'Choose a repository whose name ends with -GGUF' : `Choose one: ${toPull(source, nearest[0])}`
  return new LmappError('model-not-found', `${source.owner}/${source.repo} has ${what}.`, {
    hint: other,
    details: { source: source.text, known: nearest },
  })
}

function toSeveral(source: HubSource, files: readonly HubFile[]): LmappError {
  const known = files.slice(0, 8).map(({ path }) => path)
  return new LmappError('model-ambiguous', `${source.text} may mean several files: ${known.join(', ')}.`, {
    hint: `Name the file: ${toPull(source, known[0])}`,
    details: { source: source.text, known },
  })
}

function toSplit(source: HubSource, file: HubFile): LmappError {
  return new LmappError('unsupported', `${file.path} is one of several parts, and lmapp reads models of one file.`, {
    hint: 'Choose a smaller quantization, or another repository',
    details: { source: source.text, path: file.path },
  })
}

function toRefused(source: HubSource): LmappError {
  return new LmappError('unauthorized', `The hub does not show ${source.owner}/${source.repo}.`, {
    hint: 'Check how it is written. If it is gated: accept its terms on its page, then set HF_TOKEN to a token of yours',
    details: { source: source.text },
  })
}

const toPull = (source: HubSource, quant = ''): string => `lmapp models pull hf:${source.owner}/${source.repo}:${quant}`

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
