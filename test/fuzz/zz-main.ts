/**
 * npm run fuzz [-- --seconds N --seed N --only NAME --out FOLDER]
 *
 * Feeds the readers of what strangers send with what nobody should send: lines, messages, manifests, records, a plugin
 * that misbehaves for the host, a host that misbehaves for a plugin. All is made from the seed. What fails is shrunk and
 * written into a folder, so that it can become a test beside its source. Exit code 0 when nothing failed.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createRandom } from '../soak/random.ts'
import { shrink } from './shrink.ts'
import type { Input, OpenTarget, Target } from './target.ts'
import { targets } from './zz-index.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const seed = Number(values.seed)
const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only)
const shares = chosen.reduce((sum, { share }) => sum + share, 0)
/** One is enough to be mended first; the same mistake is found many times over. */
const mostFailures = 3

/** What was rejected or thrown where nobody caught it, since it was last asked for. */
const uncaught: unknown[] = []
process.on('unhandledRejection', (error) => uncaught.push(error))
process.on('uncaughtException', (error) => uncaught.push(error))

say(`seed ${seed}, ${values.seconds} s: ${chosen.map(({ name }) => name).join(', ')}`)
let out: string | undefined
process.exitCode = 1
process.once('exit', () => {
  for (const error of uncaught) say(`it ended by itself: ${error instanceof Error ? error.stack : String(error)}`)
})
let failures = 0
for (const target of chosen) failures += await attack(target, (1000 * Number(values.seconds) * target.share) / shares)
say(failures === 0 ? 'fuzz: all well' : `fuzz: ${failures} failed; again: npm run fuzz -- --seed ${seed}`)
process.exit(failures === 0 && chosen.length > 0 ? 0 : 1)

async function attack(target: Target, milliseconds: number): Promise<number> {
  const deadline = Date.now() + milliseconds
  const tally = { count: 0, failed: 0 }
  const isTime = () => Date.now() < deadline && tally.failed < mostFailures
  const attackLane = async (_: unknown, lane: number) => {
    const random = createRandom(seed + lane)
    await using open = await target.open()
    while (isTime()) {
      const input = open.create(random)
      const number = ++tally.count
      const error = await failureOf(open, input)
      if (error === undefined) continue
      tally.failed++
      await report(target, open, { input, error, number })
    }
  }
  await Promise.all(Array.from({ length: target.lanes ?? 1 }, attackLane))
  say(`${target.name}: ${tally.count} inputs${tally.failed > 0 ? `, ${tally.failed} FAILED` : ''}`)
  return tally.failed
}

async function failureOf(open: OpenTarget, input: Input): Promise<unknown> {
  try {
    await open.check(input)
    await new Promise(setImmediate)
    return uncaught.splice(0)[0]
  } catch (error) {
    uncaught.splice(0)
    return error ?? 'it threw nothing'
  }
}

async function report(
  target: Target,
  open: OpenTarget,
  { input, error, number }: { input: Input; error: unknown; number: number },
): Promise<void> {
  const again = (await failureOf(open, input)) !== undefined
  const smallest = again
    ? await shrink(input, async (smaller) => (await failureOf(open, smaller)) !== undefined)
    : input
  const reason = again ? ((await failureOf(open, smallest)) ?? error) : error
  const folder = outFolder()
  const file = join(folder, `${target.name}-${seed}-${number}.json`)
  writeFileSync(
    file,
    `${JSON.stringify({ target: target.name, seed, number, again, input: smallest }, undefined, 2)}\n`,
  )
  say(`FAILED ${target.name}, input ${number}${again ? '' : ', not a second time'}: ${file}`)
  say(reason instanceof Error ? (reason.stack ?? reason.message).slice(0, 2000) : String(reason).slice(0, 2000))
}

function outFolder(): string {
  if (values.out !== undefined) mkdirSync(values.out, { recursive: true })
  out ??= values.out ?? mkdtempSync(join(tmpdir(), 'lmapp-fuzz-'))
  return out
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
