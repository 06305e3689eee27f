import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isLmappError, LmappError } from 'lmapp-kit'
import { assertSpace } from './disk.ts'
import { createByteReporter, type FetchContext, type FetchSettings } from './fetch-context.ts'
import { get, readBody, TransientError } from './http.ts'
import { assertExpected, PartFile, removePart } from './part-file.ts'

/** One file on a server. */
export interface RemoteFile {
  /** For people, as `Tiny-Q4_K_M.gguf`. */
  name: string
  /** For people: where it comes from, as `hf:someone/Tiny-GGUF`. */
  source: string
  url: string
  /** Absent: what the server says. */
  sizeBytes?: number | undefined
  /** Lower-case hex. Without it, what an earlier fetch left is not gone on with. */
  sha256?: string | undefined
}

export interface DownloadOptions extends Pick<FetchContext, 'environment' | 'signal' | 'report'> {
  settings: Pick<FetchSettings, 'stallMs' | 'retryDelaysMs'>
  /** Sent to the server itself, not to where it redirects. */
  token?: string | undefined
  /** Throws what an answer that is no success means; `assertSuccess` where it is absent. */
  assertAnswer?(status: number | undefined, headers: IncomingHttpHeaders): void
}

/**
 * Brings the whole file to `partPath` and compares it with what is known of it. Goes on where an earlier fetch stopped. What arrived is
 * kept for the next fetch, except where the disk is full or the file is another one.
 * Throws `download-failed`, `checksum-mismatch`, `disk-full`, what `assertAnswer` throws, and the abort reason.
 */
export async function download(
  file: RemoteFile,
  partPath: string,
  options: DownloadOptions,
): Promise<{ sha256: string; sizeBytes: number }> {
  const { url, sha256, sizeBytes } = file
  const identity = sha256 && JSON.stringify({ url, sha256, sizeBytes })
  try {
    await using part = await PartFile.open(partPath, identity)
    await receiveAll(file, part, options)
    const actual = await part.finish()
    assertExpected(actual, file, file.source)
    return actual
  } catch (error) {
    if (isLmappError(error, 'checksum-mismatch') || isLmappError(error, 'disk-full')) await removePart(partPath)
    throw error
  }
}

/** Throws what an answer that is no success means to any server: `TransientError`, or `download-failed`. */
export function assertSuccess(status: number | undefined, headers: IncomingHttpHeaders, source: string): void {
  if (status === 200 || status === 206) return
  const isPassing = status === 408 || status === 429 || (status !== undefined && status >= 500)
  const retryAfterMs = Math.min(30, Number(headers['retry-after'] ?? Number.NaN)) * 1000
  if (isPassing) throw new TransientError(`the server answered ${status}`, { retryAfterMs: retryAfterMs || undefined })
  throw new LmappError('download-failed', `The server answered ${status} for ${source}.`, {
    details: { source, status },
  })
}

/** So many tries in all, should a server give a little at each of them. */
const mostTries = 100

/** Tries again after failures that pass, as long as one try gets further than the last or pauses are left. */
export async function retrying<Result>(
  { settings, signal, report }: Pick<DownloadOptions, 'settings' | 'signal' | 'report'>,
  source: string,
  run: () => Promise<Result>,
  progress: () => number = () => 0,
): Promise<Result> {
  let without = 0
  for (let tries = 1; ; tries += 1) {
    const before = progress()
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      without = progress() > before ? 0 : without + 1
      const delayMs = settings.retryDelaysMs[without === 0 ? 0 : without - 1]
      if (delayMs === undefined || tries >= mostTries) throw toFailed(error, source)
      report({ status: `${error.message}; trying again` })
      await pause(error.retryAfterMs ?? delayMs, undefined, { signal })
    }
  }
}

/** A file on its way. `total`: known beforehand, or when the server has said it. */
interface Transfer {
  file: RemoteFile
  part: PartFile
  total: number | undefined
  report: ((done: number) => void) | undefined
}

async function receiveAll(file: RemoteFile, part: PartFile, options: DownloadOptions): Promise<void> {
  const transfer: Transfer = { file, part, total: undefined, report: undefined }
  if (file.sizeBytes !== undefined) await begin(transfer, file.sizeBytes, options)
  const isWhole = () => transfer.total !== undefined && part.size >= transfer.total
  const run = async () => {
    while (!isWhole()) await receive(transfer, options)
  }
  await retrying(options, file.source, run, () => part.size)
}

async function begin(transfer: Transfer, total: number, options: DownloadOptions): Promise<void> {
  const { file, part } = transfer
  await assertSpace(dirname(part.path), Math.max(0, total - part.size))
  transfer.total = total
  transfer.report = createByteReporter(options, `fetching ${file.name} from ${file.source}`, total)
  transfer.report(part.size)
}

/** One connection: from where the part ends to where the connection does. */
async function receive(transfer: Transfer, options: DownloadOptions): Promise<void> {
  const { file, part } = transfer
  const { settings, assertAnswer } = options
  const headers = part.size > 0 ? { range: `bytes=${part.size}-` } : {}
  const response = await get(file.url, { ...options, stallMs: settings.stallMs, headers })
  try {
    const { statusCode } = response
    if (statusCode === 416) {
      await part.restart()
      throw new TransientError('the server has no such range')
    }
    if (assertAnswer) assertAnswer(statusCode, response.headers)
    else assertSuccess(statusCode, response.headers, file.source)
    assertNoPage(response, file)
    const goesOn = statusCode === 206 && startOf(response.headers['content-range']) === part.size
    if (part.size > 0 && !goesOn) await part.restart()
    if (statusCode === 206 && !goesOn) throw new TransientError('the server sent another range')
    const total = totalOf(response)
    if (transfer.total === undefined && total !== undefined) await begin(transfer, total, options)
    await appendAll(response, transfer)
  } finally {
    response.destroy()
  }
  transfer.total ??= part.size
  if (part.size < transfer.total) throw new TransientError('the connection ended too early')
}

async function appendAll(response: IncomingMessage, { file, part, total, report }: Transfer): Promise<void> {
  for await (const chunk of readBody(response)) {
    if (total !== undefined && part.size + chunk.length > total) throw toTooLong(file, total)
    await part.append(chunk)
    report?.(part.size)
  }
}

/** A network that wants a login answers everything with its page. */
function assertNoPage({ headers }: IncomingMessage, { name, url, source }: RemoteFile): void {
  if (!/^text\/html\b/i.test(headers['content-type'] ?? '')) return
  throw new LmappError('download-failed', `${new URL(url).host} sent a web page in place of ${name}.`, {
    hint: 'Log in to the network if it asks for that in a browser, then try again',
    details: { source },
  })
}

function startOf(contentRange: string | undefined): number {
  return Number(/^bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? Number.NaN)
}

function totalOf({ statusCode, headers }: IncomingMessage): number | undefined {
  const said = statusCode === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length']
  const total = Number(said ?? Number.NaN)
  return Number.isSafeInteger(total) ? total : undefined
}

function toTooLong({ name, source }: RemoteFile, total: number): LmappError {
  return new LmappError('checksum-mismatch', `The server sent more of ${name} than its ${total} bytes.`, {
    details: { source },
  })
}

function toFailed(error: TransientError, source: string): LmappError {
  return new LmappError('download-failed', `${source} could not be fetched: ${error.message}.`, {
    details: { source },
    cause: error,
  })
}
