import { readFile, readlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { quantizationOf } from '../hub-file.ts'
import type { FoundFile } from './disk-model.ts'
import { type WalkedFile, type WalkOptions, walk } from './walk.ts'

type Surroundings = Omit<WalkOptions, 'root' | 'filter' | 'enters'>

/** LM Studio's `PUBLISHER/REPOSITORY/FILE.gguf`, named by the repository as LM Studio shows it. */
export async function findLmStudioFiles(root: string, around: Surroundings): Promise<FoundFile[]> {
  const files = await walkGguf(root, around)
  return files.map(({ path, segments, stats }): FoundFile => {
    const [publisher = '', repository = ''] = segments.length > 2 ? segments : []
    const base = toBaseName(path)
    const key = (repository === '' ? base : repository).replace(/[-_.]gguf$/i, '').toLowerCase()
    const quantization = (quantizationOf(path) ?? base).toLowerCase()
    const whole = repository === '' ? base : `${publisher}/${repository}/${base}`
    return { program: 'lm-studio', origin: 'lm-studio', path, stats, names: [key, `${key}@${quantization}`, whole] }
  })
}

/** The Hugging Face cache: `models--OWNER--REPO/snapshots/REVISION/…`, links to blobs that are named by their content. */
export async function findHuggingFaceFiles(root: string, around: Surroundings): Promise<FoundFile[]> {
  const enters = ([repository = '', part, ...rest]: readonly string[]) =>
    repository.startsWith('models--') && (part === undefined || part === 'snapshots' || rest.length > 0)
  const files = (await walk({ ...around, root, filter: 'gguf', enters })).filter(isGguf)
  const current = await readCurrentRevisions(root, files)
  return Promise.all(
    files.map(async ({ path, segments, stats }): Promise<FoundFile> => {
      const [folder = '', , revision = '', ...inside] = segments
      const repository = folder.slice('models--'.length).replaceAll('--', '/')
      const digest = await around.cache.get(`link ${path}`, stats, { read: () => digestOf(path), parse: parseDigest })
      return {
        program: 'hugging-face',
        origin: 'hugging-face',
        path,
        stats,
        names: [
          `${repository}:${quantizationOf(path) ?? toBaseName(path)}`,
          `${repository}/${inside.join('/').replace(/\.gguf$/i, '')}`,
        ],
        rank: current.get(folder) === revision ? Number.MAX_VALUE : stats.mtimeMs,
        ...(digest !== '' && { digest }),
      }
    }),
  )
}

/** Which revision a repository is at, where the cache holds several of it. */
async function readCurrentRevisions(root: string, files: readonly WalkedFile[]): Promise<Map<string, string>> {
  const revisions = Map.groupBy(files, ({ segments }) => segments[0] ?? '')
  const current = new Map<string, string>()
  for (const [repository, members] of revisions) {
    if (new Set(members.map(({ segments }) => segments[2])).size < 2) continue
    const main = await readFile(join(root, repository, 'refs/main'), 'utf8').catch(() => '')
    current.set(repository, main.trim())
  }
  return current
}

/** Any folder, with what is below it: named by the file, else by its way from the folder. */
export async function findFolderFiles(
  root: string,
  origin: Pick<FoundFile, 'program' | 'origin'>,
  around: Surroundings,
): Promise<FoundFile[]> {
  const files = await walkGguf(root, around)
  return files.map(({ path, segments, stats }) => {
    const base = toBaseName(path)
    return { ...origin, path, stats, names: [base, [...segments.slice(0, -1), base].join('/')] }
  })
}

/** Without the extension, and without the number of a part. */
export function toBaseName(path: string): string {
  return basename(path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '')
}

async function walkGguf(root: string, around: Surroundings): Promise<WalkedFile[]> {
  return (await walk({ ...around, root, filter: 'gguf', enters: () => true })).filter(isGguf)
}

/** Links were followed whatever they are called. */
function isGguf({ path }: WalkedFile): boolean {
  return /\.gguf$/i.test(path)
}

/** The hub's own checksum, where the cache names its blob by it; else empty. */
async function digestOf(path: string): Promise<string> {
  const target = await readlink(path).catch(() => '')
  const name = basename(target)
  return basename(dirname(target)) === 'blobs' && /^[0-9a-f]{64}$/.test(name) ? `sha256:${name}` : ''
}

function parseDigest(value: unknown): string | undefined {
  return typeof value === 'string' && /^(sha256:[0-9a-f]{64})?$/.test(value) ? value : undefined
}
