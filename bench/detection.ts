import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { openBenchHome } from './bench-home.ts'
import { firstByteOf, ms, startServer, toFigures } from './measure.ts'

type Row = (what: string, measured: string, floor: string, goal: string, met: boolean) => void

const rounds = 9

/** `doctor` and a question where much is dead: what is dead must cost nobody anything. */
export async function measureDetection({ engineProgram, row }: { engineProgram: string[]; row: Row }): Promise<void> {
  const engines = await Promise.all(Array.from({ length: 5 }, () => startServer(engineProgram)))
  // Accepts, and never says a word.
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const address = silent.address()
  const silentUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const live = Object.fromEntries(engines.map(({ address: url }, n) => [`live${n}`, { type: 'ollama', url }]))
  const dead = Object.fromEntries(
    Array.from({ length: 5 }, (_, n) => [
      `dead${n}`,
      { type: 'ollama', url: n < 3 ? `http://127.0.0.1:${n + 1}` : silentUrl },
    ]),
  )
  try {
    using nothing = openBenchHome({ backends: {} })
    using ten = openBenchHome({ backends: { ...live, ...dead } })
    using one = openBenchHome({ backends: { live0: live.live0 } })
    for (const home of [nothing, ten, one]) home.openClient()
    const doctor = (home: typeof ten) => {
      const startedAt = performance.now()
      const [program = '', ...args] = home.command
      spawnSync(program, [...args, 'doctor', '--json'], { env: home.env, stdio: 'ignore' })
      return performance.now() - startedAt
    }
    const times = { nothing: [] as number[], ten: [] as number[], many: [] as number[], few: [] as number[] }
    for (let n = 0; n < rounds; n += 1) {
      times.nothing.push(doctor(nothing))
      times.ten.push(doctor(ten))
      times.many.push(await firstByteOf([...ten.command, '-q', '-n', '-m', 'live0/m', 'Why?'], ten.env))
      times.few.push(await firstByteOf([...one.command, '-q', '-n', '-m', 'live0/m', 'Why?'], one.env))
    }
    const p50 = (values: number[]) => toFigures(values).p50
    const goal = '≤ 700 ms'
    row('`lmapp doctor`, nothing there', ms(p50(times.nothing)), '–', goal, p50(times.nothing) <= 700)
    row('the same, ten backends, five of them dead', ms(p50(times.ten)), '–', goal, p50(times.ten) <= 700)
    row(
      'a question to a live one of these ten',
      ms(p50(times.many)),
      `with no other ${ms(p50(times.few))}`,
      '≤ 1.1 ×',
      p50(times.many) <= 1.1 * p50(times.few),
    )
  } finally {
    silent.close()
    for (const { child } of engines) child.kill()
  }
}
