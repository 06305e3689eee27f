import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseJson, toFields, toList } from '../json/fields.ts'

const verdicts = ['only-new', 'repeats', 'none'] as const

/** How a model goes on with a partial answer: with what is new, with what it was given before that, or not exactly. */
export type Verdict = (typeof verdicts)[number]

/** What was proved of continuing. A key says all that a proof holds for; it may be long. */
export interface Proofs {
  get(key: string): Promise<Verdict | undefined>
  /** Never fails: what cannot be kept is proved again one day. */
  set(key: string, verdict: Verdict): Promise<void>
}

/** Kept in the backend's folder, or as long as the backend where it has none. */
export function proofsIn(dataDir: string | undefined): Proofs {
  return dataDir ? createProofs({ file: join(dataDir, 'continuations.json') }) : createMemoryProofs()
}

export function createMemoryProofs(): Proofs {
  const known = new Map<string, Verdict>()
  return {
    get: async (key) => known.get(key),
    async set(key, verdict) {
      known.set(key, verdict)
    },
  }
}

/** The newest so many are kept. */
const mostProofs = 500
/** Many times what so many take; a longer file is none of ours. */
const maxFileBytes = 1024 * 1024

/** Kept in a file, which is read when it is first needed. One that is broken, or of another kind, counts as empty. */
export function createProofs({ file }: { file: string }): Proofs {
  let loading: Promise<Map<string, Verdict>> | undefined
  const load = () => {
    loading ??= readProofs(file)
    return loading
  }
  return {
    get: async (key) => (await load()).get(toDigest(key)),
    async set(key, verdict) {
      const digest = toDigest(key)
      keepNewest(await load(), digest, verdict)
      await inTurn(file, async () => {
        // Another backend with the same folder may have written meanwhile.
        const current = await readProofs(file)
        keepNewest(current, digest, verdict)
        await writeProofs(file, current)
      })
    },
  }
}

/** Templates are part of keys, and long. */
function toDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function keepNewest(proofs: Map<string, Verdict>, digest: string, verdict: Verdict): void {
  proofs.delete(digest)
  proofs.set(digest, verdict)
  for (const oldest of proofs.keys()) {
    if (proofs.size <= mostProofs) return
    proofs.delete(oldest)
  }
}

/** The end of what is being written to each file. */
const writing = new Map<string, Promise<void>>()

async function inTurn(file: string, write: () => Promise<void>): Promise<void> {
  const mine = (writing.get(file) ?? Promise.resolve()).then(write)
  writing.set(file, mine)
  await mine
  if (writing.get(file) === mine) writing.delete(file)
}

/** Oldest first. */
async function readProofs(file: string): Promise<Map<string, Verdict>> {
  try {
    const found = await stat(file)
    if (!found.isFile() || found.size > maxFileBytes) return new Map()
    const { version, proofs } = toFields(parseJson(await readFile(file, 'utf8')))
    return new Map(version === 1 ? toList(proofs).flatMap(toProof).slice(-mostProofs) : [])
  } catch {
    // It is not there yet, or cannot be read: then everything is proved again.
    return new Map()
  }
}

function toProof(entry: unknown): [string, Verdict][] {
  const [digest, found] = toList(entry)
  const verdict = verdicts.find((one) => one === found)
  return typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest) && verdict ? [[digest, verdict]] : []
}

/** Aside and renamed, so that a crash leaves the old file or the new one. */
async function writeProofs(file: string, proofs: ReadonlyMap<string, Verdict>): Promise<void> {
  const aside = `${file}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(aside, `${JSON.stringify({ version: 1, proofs: [...proofs] })}\n`, { mode: 0o600 })
    await rename(aside, file)
  } catch {
    // A disk that refuses costs a trial, not an answer.
    await rm(aside, { force: true }).catch(() => {})
  }
}
