import { ms, toFigures } from '../measure.ts'
import { measureStreams } from './streams.ts'
import type { Target, TargetName } from './targets.ts'
import { type Bench, type Cpu, inTurns, type Turn } from './turns.ts'

/** One line of the table. */
export interface Figure {
  what: string
  unit: 'ms' | '%' | '/s' | 'MB'
  values: Partial<Record<TargetName, number>>
  goal: Goal
}

/** For lmapp: its value, or its ratio to the proxy in Node. */
export interface Goal {
  of: 'value' | 'ratio'
  most?: number
  least?: number
}

const inARow = 50
const clients = 16
const forMs = 1500
const shortTokens = 8
const burstTokens = 20_000
const pacedTokens = 100
const pacedStreams = 20

/** How much later the first token of a short stream comes than directly. */
export async function measureFirstToken(bench: Bench): Promise<Figure[]> {
  const work = { model: 'short', stream: true, clients: 1, count: inARow, tokens: shortTokens }
  const turns = await inTurns({ ...bench, rounds: 4 * bench.rounds }, 'first token', work)
  const direct = turns[indexOf(bench, 'direct')] ?? []
  const floors = direct.map(({ report }) => toFigures(report.first).p50)
  const added = turns.map((ofOne) =>
    toFigures(ofOne.flatMap(({ report }, round) => report.first.map((time) => time - (floors[round] ?? Number.NaN)))),
  )
  bench.note(`Directly the first token comes after ${ms(toFigures(floors).p50)}.`)
  const proxied = (pick: (figures: { p50: number; p99: number }) => number) => {
    const { direct: _, ...values } = byName(bench, added.map(pick))
    return values
  }
  return [
    {
      what: 'first token, later by (p50)',
      unit: 'ms',
      values: proxied(({ p50 }) => p50),
      goal: { of: 'ratio', most: 1.5 },
    },
    { what: 'the same, p99', unit: 'ms', values: proxied(({ p99 }) => p99), goal: { of: 'value', most: 5 } },
  ]
}

/** How much longer an answer takes whose tokens come as slowly as those of a real engine. */
export async function measurePacedAnswer(bench: Bench): Promise<Figure[]> {
  const work = { model: 'paced-100-50', stream: true, clients: 1, count: 1, tokens: pacedTokens }
  const turns = await inTurns(bench, 'paced answer', work)
  const times = turns.map((ofOne) => toFigures(ofOne.flatMap(({ report }) => report.whole)).p50)
  const floor = times[indexOf(bench, 'direct')] ?? Number.NaN
  const { direct: _, ...values } = byName(
    bench,
    times.map((time) => 100 * (time / floor - 1)),
  )
  const what = 'a 100-token answer at 50 tokens/s, longer by'
  return [{ what, unit: '%', values, goal: { of: 'value', most: 3 } }]
}

/** Short answers for clients that ask again at once; for lmapp also with its history. */
export async function measureRequests(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = []
  const lmapp = bench.targets.find(({ name }) => name === 'lmapp')
  const saving = lmapp && { ...lmapp, headers: { ...lmapp.headers, 'x-lmapp-history': 'on' } }
  for (const stream of [false, true]) {
    const what = `requests with ${clients} clients, ${stream ? 'streamed' : 'not streamed'}`
    const work = { model: 'short', stream, clients, forMs, tokens: shortTokens }
    const turns = await inTurns(bench, what, work, [...bench.targets, ...(saving ? [saving] : [])])
    const rates = turns.map(
      (ofOne) => toFigures(ofOne.map(({ report }) => (1000 * report.whole.length) / report.tookMs)).p50,
    )
    figures.push({ what, unit: '/s', values: byName(bench, rates), goal: { of: 'ratio', least: 0.6 } })
    if (lmapp) figures.push(toHistoryCost(rates, bench.targets.indexOf(lmapp)))
    noteCpu(bench, what, turns)
  }
  if ((await lmapp?.hasHistory?.()) === false) bench.note('lmapp was asked to keep conversations, and has none.')
  return figures
}

/** The rate with history is the last one. */
function toHistoryCost(rates: number[], index: number): Figure {
  const cost = 100 * (1 - (rates.at(-1) ?? Number.NaN) / (rates[index] ?? Number.NaN))
  const values = Number.isNaN(cost) ? {} : { lmapp: cost }
  return { what: 'with history, fewer by', unit: '%', values, goal: { of: 'value', most: 10 } }
}

function noteCpu(bench: Bench, what: string, turns: Turn[][]): void {
  const shares = bench.targets.map(({ name }, index) => {
    const took = sumOf(turns[index] ?? [], ({ report }) => report.tookMs)
    const share = (of: keyof Cpu) => `${((100 * sumOf(turns[index] ?? [], ({ cpu }) => cpu[of])) / took).toFixed(0)} %`
    return `${name} ${share('clients')}, ${share('upstream')}, ${share('proxy')}`
  })
  bench.note(`Share of a core that the clients, the upstream and the proxy had, ${what}: ${shares.join('; ')}.`)
}

/** Through one stream as fast as it goes, and through several at the speed of real engines. */
export async function measureTokens(bench: Bench): Promise<Figure[]> {
  const one = { model: `burst-${burstTokens}`, stream: true, clients: 1, count: 1, tokens: burstTokens }
  const burst = await inTurns(bench, 'tokens through one stream', one)
  const several = { ...one, model: 'paced-100-50', clients: pacedStreams, count: pacedStreams, tokens: pacedTokens }
  const paced = await inTurns(bench, `${pacedStreams} paced streams`, several)
  const rates = burst.map((ofOne) => toFigures(ofOne.map(({ report }) => (1000 * report.tokens) / report.tookMs)).p50)
  const cpu = (turns: Turn[][]) => {
    const values = turns.map(
      (ofOne) => (1000 * sumOf(ofOne, (turn) => turn.cpu.proxy)) / sumOf(ofOne, (turn) => turn.report.tokens),
    )
    const { direct: _, ...proxied } = byName(bench, values)
    return proxied
  }
  const goal = { of: 'ratio', most: 2 } as const
  return [
    { what: 'tokens through one stream', unit: '/s', values: byName(bench, rates), goal: { of: 'ratio', least: 0.6 } },
    { what: 'CPU per 1,000 tokens of it', unit: 'ms', values: cpu(burst), goal },
    { what: `CPU per 1,000 tokens, ${pacedStreams} streams at 50 tokens/s`, unit: 'ms', values: cpu(paced), goal },
  ]
}

/** Of processes that have answered two questions, and then with a thousand streams open. */
export async function measureMemory(bench: Bench, idle: Map<Target, number>): Promise<Figure[]> {
  const held = await measureStreams(bench)
  const toValues = (memory: Map<Target, number>) =>
    byName(
      bench,
      bench.targets.map((one) => memory.get(one) ?? Number.NaN),
    )
  return [
    {
      what: 'memory with 1,000 open streams, PSS',
      unit: 'MB',
      values: toValues(held),
      goal: { of: 'value', most: 250 },
    },
    { what: 'memory when idle, PSS', unit: 'MB', values: toValues(idle), goal: { of: 'value', most: 110 } },
  ]
}

const indexOf = ({ targets }: Bench, name: TargetName) => targets.findIndex((target) => target.name === name)

/** What was not measured is left out. */
function byName({ targets }: Bench, values: number[]): Figure['values'] {
  const known = targets.flatMap(({ name }, index) => {
    const value = values[index]
    return value === undefined || Number.isNaN(value) ? [] : [[name, value]]
  })
  return Object.fromEntries(known)
}

function sumOf<T>(items: T[], toValue: (item: T) => number): number {
  return items.reduce((sum, item) => sum + toValue(item), 0)
}
