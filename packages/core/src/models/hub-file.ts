import { LmappError } from 'lmapp-kit'
import { nearestNames } from '../text/nearest.ts'
import { formatOf } from './fetch-context.ts'
import { defaultQuantization, type HubSource, isFileName } from './sources.ts'

/** A file in a repository of the hub, or of a folder that is laid out like it. */
export interface HubFile {
  /** In the repository. */
  path: string
  /** `https:`, `http:` or `file:`. */
  url: string
  sizeBytes: number
  /** Absent for files so small that git holds them. */
  sha256: string | undefined
}

/** Finds the one file that is meant. Throws `model-not-found`, `model-ambiguous`, `unsupported`. */
export function chooseHubFile(source: HubSource, listed: readonly HubFile[]): HubFile {
  const files = listed.filter(isModelFile)
  const [file, ...others] = chooseFiles(source, files)
  if (!file) throw toNoFile(source, files)
  if (splitPattern.test(file.path)) throw toSplit(source, file)
  if (others.length > 0) throw toSeveral(source, [file, ...others])
  return file
}

/** As `Q4_K_M`, from the name of a file. */
export function quantizationOf(path: string): string | undefined {
  const [, quantization] =
    /[-_.]((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|F16|F32|MXFP4\w*|NVFP4))(?:-\d{5}-of-\d{5})?\.(?:gguf|llamafile)$/i.exec(
      path,
    ) ?? []
  return quantization?.toUpperCase()
}

const splitPattern = /-\d{5}-of-\d{5}\.gguf$/i

/** Projectors of vision models are GGUF files too, and no models. */
function isModelFile({ path }: HubFile): boolean {
  return isFileName(path) && !/(^|\/)(mmproj|imatrix)[^/]*\.gguf$/i.test(path)
}

/** Where a repository has both, the weights alone go before the program that holds them. */
function chooseFiles(source: HubSource, files: readonly HubFile[]): HubFile[] {
  const { quant } = source
  const named = files.filter(({ path }) => path === quant || path.split('/').at(-1) === quant)
  if (named.length > 0) return named
  const wanted = quant?.toUpperCase() ?? defaultQuantization
  for (const format of ['gguf', 'llamafile']) {
    const found = files.filter(({ path }) => formatOf(path) === format && quantizationOf(path) === wanted)
    if (found.length > 0) return found
  }
  return quant === undefined && files.length === 1 ? [...files] : []
}

function toNoFile(source: HubSource, files: readonly HubFile[]): LmappError {
  const where = `${source.owner}/${source.repo}`
  const known = toKnown(files)
  const wanted = source.quant ?? defaultQuantization
  const nearest = nearestNames(wanted, known, 8)
  const [first] = nearest
  const what = first === undefined ? 'no GGUF file and no llamafile' : `no ${wanted}; there are: ${nearest.join(', ')}`
  return new LmappError('model-not-found', `${where} has ${what}.`, {
    hint:
      first === undefined
        ? 'Choose a repository whose name ends with -GGUF or -llamafile'
        : `Choose one: ${toPull(source, first)}`,
    details: { source: source.text, known: nearest },
  })
}

/** By its quantization where that means one file, else by its name. */
function toKnown(files: readonly HubFile[]): string[] {
  const byQuantization = Map.groupBy(files, ({ path }) => quantizationOf(path))
  return [...byQuantization].flatMap(([quantization, members]) => {
    const isOne = members.length === 1 || members.every(({ path }) => splitPattern.test(path))
    return quantization !== undefined && isOne ? [quantization] : members.map(({ path }) => path)
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

function toPull({ owner, repo }: HubSource, quant = ''): string {
  return `lmapp models pull hf:${owner}/${repo}${isFileName(quant) ? '/' : ':'}${quant}`
}
