import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LmappError } from 'lmapp-kit'
import { readChecksumBeside } from './checksums.ts'
import { makeFolder } from './disk.ts'
import { download, retrying } from './download.ts'
import {
  assertOnline,
  chooseName,
  type FetchContext,
  type FetchedFile,
  formatOf,
  partPathOf,
  type WantedFile,
} from './fetch-context.ts'
import { assertHubAnswer, type HubOptions, listHubFiles } from './hub.ts'
import { chooseHubFile, type HubFile, quantizationOf } from './hub-file.ts'
import { listFolderFiles } from './hub-folder.ts'
import { bringLocal } from './local-file.ts'
import type { LibraryModel } from './models.ts'
import { assertExpected } from './part-file.ts'
import { isWeb, parseSourcePlace, type SourcePlace } from './source-place.ts'
import type { HubSource } from './sources.ts'

/**
 * Brings the file from the hub, its mirror or a folder, or from where Hugging Face's own tools already put it. A model
 * that is here already comes back as it is.
 */
export async function fetchFromHub(
  source: HubSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<FetchedFile | LibraryModel> {
  await makeFolder(context.modelsDir)
  const cached = await findInHubCache(source, wanted, context)
  if (cached) return copyCached(cached, source, wanted, context)
  const place = findHub(context)
  const found =
    place.kind === 'folder' ? await findInFolder(source, place.path) : await find(source, place.url, wanted, context)
  assertRunnable(found.file, context)
  const { sha256, sizeBytes } = found.file
  if (sha256) {
    assertExpected({ sha256, sizeBytes }, wanted, source.text)
    const present = context.installed.find((model) => model.sha256 === sha256)
    if (present && wanted.name === undefined) return present
  }
  return bring(found, source, wanted, context)
}

/** Ours, when neither the environment nor the configuration names another. */
const standardEndpoint = 'https://huggingface.co'

/** Variables come with requests, so they may name servers, but no folders of the machine. */
function findHub({ environment, huggingFace }: FetchContext): SourcePlace {
  const { HF_ENDPOINT } = environment
  if (!HF_ENDPOINT) return parseSourcePlace(huggingFace || standardEndpoint, 'sources.huggingFace')
  const url = HF_ENDPOINT.replace(/\/+$/, '')
  if (URL.canParse(url) && isWeb(new URL(url))) return { kind: 'address', url }
  throw new LmappError('bad-input', `HF_ENDPOINT is no URL: "${url}".`, { hint: 'Unset HF_ENDPOINT' })
}

/** `options` are there for a file on a server. */
interface Found {
  file: HubFile
  options?: HubOptions
}

async function find(source: HubSource, endpoint: string, wanted: WantedFile, context: FetchContext): Promise<Found> {
  assertOnline(context, wanted.name ?? source.text)
  const { environment, signal, settings } = context
  const token = await readToken(environment)
  const options: HubOptions = { endpoint, token, signal, stallMs: settings.stallMs, environment }
  context.report({ status: `asking ${new URL(endpoint).host} for ${source.owner}/${source.repo}` })
  const files = await retrying(context, source.text, () => listHubFiles(source, options))
  return { file: chooseHubFile(source, files), options }
}

async function findInFolder(source: HubSource, folder: string): Promise<Found> {
  const file = chooseHubFile(source, await listFolderFiles(source, folder))
  return { file: { ...file, sha256: await readChecksumBeside(fileURLToPath(file.url)) } }
}

async function readToken(environment: FetchContext['environment']): Promise<string | undefined> {
  const { HF_TOKEN, HF_HOME } = environment
  const stored = HF_HOME && !HF_TOKEN ? await readFile(join(HF_HOME, 'token'), 'utf8').catch(() => '') : ''
  return (HF_TOKEN || stored).trim() || undefined
}

/** Windows starts no larger program. */
const longestWindowsProgram = 4 * 1024 ** 3 - 1

function assertRunnable({ path, sizeBytes }: HubFile, { platform }: FetchContext): void {
  if (platform !== 'win32' || formatOf(path) !== 'llamafile' || sizeBytes <= longestWindowsProgram) return
  throw new LmappError('unsupported', `${path} is larger than 4 GB, and Windows starts no program of that size.`, {
    hint: 'Fetch the same model as GGUF; the engine alone: lmapp backends install llamafile',
    details: { path, sizeBytes },
  })
}

async function bring(
  { file, options }: Found,
  source: HubSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<FetchedFile> {
  const { path, url, sizeBytes } = file
  const format = formatOf(path)
  const sha256 = wanted.sha256 ?? file.sha256
  const name = wanted.name ?? chooseName(path, source.owner, file.sha256, context)
  const partPath = partPathOf(context.modelsDir, name, format)
  const expected = { name: path, source: source.text, sizeBytes, sha256 }
  const actual = options
    ? await download({ ...expected, url }, partPath, {
        ...context,
        token: options.token,
        assertAnswer: (status, headers) => assertHubAnswer(status, headers, source),
      })
    : await bringLocal({ ...expected, path: fileURLToPath(url) }, partPath, {
        ...context,
        mayLink: true,
        isProgram: format === 'llamafile',
      })
  const isProven = sha256 !== undefined
  return { name, partPath, ...actual, source: canonicalSource(source, file), format, isProven }
}

function canonicalSource({ owner, repo, quant }: HubSource, { path }: HubFile): string {
  const quantization = quantizationOf(path)
  const isNamed = quant !== undefined && quant.toUpperCase() !== quantization
  return `hf:${owner}/${repo}:${isNamed ? quant : (quantization ?? path)}`
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
  const partPath = partPathOf(context.modelsDir, name, 'gguf')
  const file = { name, source: 'HF_HOME', path: blob, sizeBytes: wanted.sizeBytes, sha256: wanted.sha256 }
  const actual = await bringLocal(file, partPath, { ...context, mayLink: false })
  return { name, partPath, ...actual, source: source.text, format: 'gguf', isProven: true }
}
