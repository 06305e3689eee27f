import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isLmappError, LmappError } from 'lmapp-kit'
import { assertSpace, makeFolder } from './disk.ts'
import {
  assertOnline,
  chooseName,
  createByteReporter,
  type FetchContext,
  type FetchedFile,
  type WantedFile,
} from './fetch-context.ts'
import { get, readBody, TransientError } from './http.ts'
import { assertAnswer, findHubFile, type HubFile, type HubOptions } from './hub.ts'
import type { LibraryModel } from './models.ts'
import { assertExpected, PartFile, removePart } from './part-file.ts'
import type { HubSource } from './sources.ts'

/** Brings the file from the hub, or from where Hugging Face's own tools already put it. A model that is here already comes back as it is. */
export async function fetchFromHub(
  source: HubSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<FetchedFile | LibraryModel> {
  await makeFolder(context.modelsDir)
  const cached = await findInHubCache(source, wanted, context)
  if (cached) return copyCached(cached, source, wanted, context)
  assertOnline(context, wanted.name ?? source.text)
  const options = await hubOptions(context)
  context.report({ status: `asking ${new URL(options.endpoint).host} for ${source.owner}/${source.repo}` })
  const file = await retrying(context, source, () => findHubFile(source, options))
  if (file.sha256) {
    assertExpected({ sha256: file.sha256, sizeBytes: file.sizeBytes }, wanted, source.text)
    const present = context.installed.find((model) => model.sha256 === file.sha256)
    if (present && wanted.name === undefined) return present
  }
  return download(file, source, wanted, { context, options })
}

/** Ours, when the environment names no other. */
const standardEndpoint = 'https://huggingface.co'

async function hubOptions(context: FetchContext): Promise<HubOptions> {
  const { environment, signal, settings } = context
  const endpoint = (environment.HF_ENDPOINT || standardEndpoint).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new LmappError('bad-input', `HF_ENDPOINT is no URL: "${endpoint}".`, { hint: 'Unset HF_ENDPOINT' })
  }
  return { endpoint, token: await readToken(environment), signal, stallMs: settings.stallMs, environment }
}

async function readToken(environment: FetchContext['environment']): Promise<string | undefined> {
  const { HF_TOKEN, HF_HOME } = environment
  const stored = HF_HOME && !HF_TOKEN ? await readFile(join(HF_HOME, 'token'), 'utf8').catch(() => '') : ''
  return (HF_TOKEN || stored).trim() || undefined
}

interface DownloadOptions {
  context: FetchContext
  options: HubOptions
}

async function download(
  file: HubFile,
  source: HubSource,
  wanted: WantedFile,
  { context, options }: DownloadOptions,
): Promise<FetchedFile> {
  const name = wanted.name ?? chooseName(file.path, source.owner, file.sha256, context)
  const partPath = join(context.modelsDir, `${name}.gguf.part`)
  const identity = file.sha256 && JSON.stringify({ url: file.url, sha256: file.sha256, sizeBytes: file.sizeBytes })
  try {
    await using part = await PartFile.open(partPath, identity)
    await assertSpace(context.modelsDir, Math.max(0, file.sizeBytes - part.size))
    await receiveAll(file, part, source, { context, options })
    const actual = await part.finish()
    assertExpected(actual, { sizeBytes: file.sizeBytes, sha256: wanted.sha256 ?? file.sha256 }, source.text)
    return { name, partPath, ...actual, source: canonicalSource(source, file) }
  } catch (error) {
    if (isLmappError(error, 'checksum-mismatch') || isLmappError(error, 'disk-full')) await removePart(partPath)
    throw error
  }
}

function canonicalSource({ owner, repo, quant }: HubSource, file: HubFile): string {
  const isNamed = quant !== undefined && quant.toUpperCase() !== file.quantization
  return `hf:${owner}/${repo}:${isNamed ? quant : (file.quantization ?? file.path)}`
}

async function receiveAll(file: HubFile, part: PartFile, source: HubSource, download: DownloadOptions): Promise<void> {
  const { context } = download
  const report = createByteReporter(context, `fetching ${file.path} from ${source.text}`, file.sizeBytes)
  report(part.size)
  await retrying(
    context,
    source,
    async () => {
      while (part.size < file.sizeBytes) await receive(file, part, { ...download, source, report })
    },
    () => part.size,
  )
}

type ReceiveOptions = DownloadOptions & { source: HubSource; report: (done: number) => void }

/** One connection: from where the part ends to where the connection does. */
async function receive(file: HubFile, part: PartFile, { options, source, report }: ReceiveOptions): Promise<void> {
  const headers = part.size > 0 ? { range: `bytes=${part.size}-` } : {}
  const response = await get(file.url, { ...options, headers })
  try {
    if (response.statusCode === 416) {
      await part.restart()
      throw new TransientError('the server has no such range')
    }
    assertAnswer(response.statusCode, source, response.headers)
    const goesOn = response.statusCode === 206 && startOf(response.headers['content-range']) === part.size
    if (part.size > 0 && !goesOn) await part.restart()
    if (response.statusCode === 206 && !goesOn) throw new TransientError('the server sent another range')
    for await (const chunk of readBody(response)) {
      if (part.size + chunk.length > file.sizeBytes) throw toTooLong(file, source)
      await part.append(chunk)
      report(part.size)
    }
  } finally {
    response.destroy()
  }
  if (part.size < file.sizeBytes) throw new TransientError('the connection ended too early')
}

function startOf(contentRange: string | undefined): number {
  return Number(/^bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? Number.NaN)
}

function toTooLong(file: HubFile, source: HubSource): LmappError {
  return new LmappError('checksum-mismatch', `The server sent more of ${file.path} than its ${file.sizeBytes} bytes.`, {
    details: { source: source.text },
  })
}

/** So many tries in all, should a server give a little at each of them. */
const mostTries = 100

/** Tries again after failures that pass, as long as one try gets further than the last or pauses are left. */
async function retrying<Result>(
  context: FetchContext,
  source: HubSource,
  run: () => Promise<Result>,
  progress: () => number = () => 0,
): Promise<Result> {
  const { retryDelaysMs } = context.settings
  let without = 0
  for (let tries = 1; ; tries += 1) {
    const before = progress()
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      without = progress() > before ? 0 : without + 1
      const delayMs = retryDelaysMs[without === 0 ? 0 : without - 1]
      if (delayMs === undefined || tries >= mostTries) throw toFailed(error, source)
      context.report({ status: `${error.message}; trying again` })
      await pause(error.retryAfterMs ?? delayMs, undefined, { signal: context.signal })
    }
  }
}

function toFailed(error: TransientError, source: HubSource): LmappError {
  return new LmappError('download-failed', `${source.text} could not be fetched: ${error.message}.`, {
    details: { source: source.text },
    cause: error,
  })
}

/** Where Hugging Face's own tools keep a file of this checksum. */
async function findInHubCache(
  source: HubSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<string | undefined> {
  const { HF_HOME } = context.environment
  if (!HF_HOME || wanted.sha256 === undefined) return undefined
  const blob = join(HF_HOME, 'hub', `models--${source.owner}--${source.repo}`, 'blobs', wanted.sha256)
  const found = await stat(blob).catch(() => undefined)
  return found?.isFile() && found.size === wanted.sizeBytes ? blob : undefined
}

async function copyCached(
  blob: string,
  source: HubSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<FetchedFile> {
  const name = wanted.name ?? chooseName(source.repo, source.owner, wanted.sha256, context)
  const partPath = join(context.modelsDir, `${name}.gguf.part`)
  const report = createByteReporter(context, `copying ${name} from HF_HOME`, wanted.sizeBytes)
  try {
    await assertSpace(context.modelsDir, wanted.sizeBytes ?? 0)
    await using part = await PartFile.open(partPath)
    for await (const chunk of createReadStream(blob, { signal: context.signal, highWaterMark: 1024 * 1024 })) {
      await part.append(chunk)
      report(part.size)
    }
    const actual = await part.finish()
    assertExpected(actual, wanted, blob)
    return { name, partPath, ...actual, source: source.text }
  } catch (error) {
    await removePart(partPath)
    throw error
  }
}
