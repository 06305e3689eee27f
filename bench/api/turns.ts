import type { LoadClient, Order, Report } from './client.ts'
import type { Server } from './programs.ts'
import type { Target } from './targets.ts'
import { cpuOfTree } from './usage.ts'

export interface Bench {
  client: LoadClient
  upstream: Server
  targets: Target[]
  /** How often each of them has its turn in a measurement, after some that do not count. */
  rounds: number
  /** Takes what went wrong or is worth a line under the table. */
  note(line: string): void
}

/** What one target did in one turn. */
export interface Turn {
  report: Report
  /** Milliseconds of each process in that time. */
  cpu: Cpu
}

export interface Cpu {
  clients: number
  upstream: number
  proxy: number
}

/** Turns that do not count: a program that runs for days is compiled as it runs, and the large ones take longer to be. */
const warmUps = 3

type Work = Omit<Order, 'url' | 'headers'>

/**
 * The same work for each target in turn, round by round, so that what else the machine does hits all of them alike. One
 * that fails before the first that counts has no more turns.
 */
export async function inTurns(bench: Bench, what: string, work: Work, targets = bench.targets): Promise<Turn[][]> {
  const turns: Turn[][] = targets.map(() => [])
  const failed = new Set<number>()
  for (let round = -warmUps; round < bench.rounds; round++) {
    for (const [index, target] of targets.entries()) {
      if (failed.has(index)) continue
      const turn = await takeTurn(bench, target, work)
      const { failed: failures, reason } = turn.report
      if (failures > 0) bench.note(`${target.name}, ${what}: ${failures} failed; the last one said: ${reason}`)
      if (failures > 0 && round < 0) failed.add(index)
      else if (round >= 0) turns[index]?.push(turn)
    }
  }
  return turns
}

async function takeTurn(bench: Bench, { url, headers, toModel, pid }: Target, work: Work): Promise<Turn> {
  const { client, upstream } = bench
  const cpuNow = (): Cpu => ({
    clients: cpuOfTree(client.pid),
    upstream: cpuOfTree(upstream.pid),
    proxy: pid === undefined ? 0 : cpuOfTree(pid),
  })
  const before = cpuNow()
  const order = { url, ...(headers && { headers }), ...work, model: toModel(work.model) }
  const report = await client.carryOut(order)
  const after = cpuNow()
  const cpu = {
    clients: after.clients - before.clients,
    upstream: after.upstream - before.upstream,
    proxy: after.proxy - before.proxy,
  }
  return { report, cpu }
}
