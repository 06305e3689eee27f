import type { Target } from './targets.ts'
import type { Bench } from './turns.ts'
import { pssOfTree } from './usage.ts'

const streams = 1000
const leaveWithinMs = 5000

/** Memory of each proxy, in MB, while so many streams have had a token and are silent. */
export async function measureStreams(bench: Bench): Promise<Map<Target, number>> {
  const memory = new Map<Target, number>()
  for (const target of bench.targets) {
    if (target.pid === undefined) continue
    const held = await hold(bench, target)
    if (held === streams) memory.set(target, pssOfTree(target.pid))
    await bench.client.release()
    await untilLeft(bench, target)
  }
  return memory
}

async function hold({ client, note }: Bench, { name, url, headers, toModel }: Target): Promise<number> {
  const work = { stream: true, clients: streams, count: streams, hold: true, tokens: 1 }
  const { held, reason } = await client.carryOut({ url, ...(headers && { headers }), ...work, model: toModel('hold') })
  if (held < streams) note(`${name}: only ${held} of ${streams} streams opened; the last one said: ${reason}`)
  return held
}

/** A proxy whose clients have left leaves the upstream, too. */
async function untilLeft({ upstream, note }: Bench, { name }: Target): Promise<void> {
  const begun = performance.now()
  for (;;) {
    const open = Number(await (await fetch(`${upstream.address}/held`)).text())
    if (open === 0) return
    if (performance.now() - begun > leaveWithinMs) {
      note(`${name}: ${open} streams of the upstream are open ${leaveWithinMs / 1000} s after their clients have left.`)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
