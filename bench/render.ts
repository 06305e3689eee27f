import { EventEmitter } from 'node:events'
import { createMarkdownPrinter } from '../packages/cli/src/markdown/printer.ts'
import { createOutput, type OutputStream } from '../packages/cli/src/output/output.ts'
import { toTerminalText } from '../packages/cli/src/output/sanitize.ts'
import { createStyle } from '../packages/cli/src/output/style.ts'

export interface RenderOptions {
  row: (what: string, measured: string, floor: string, goal: string, met: boolean) => void
}

const seconds = 5
const tokensPerSecond = 1000
const columns = 120

/** An answer as models write them: text, lists, a table, code. A token is four characters. */
const answer = `## How it works

The **service** keeps one process per user. It owns the \`backends\`, their children and every run, so that a model
stays warm between two commands; see [the page](https://example.com/docs/architecture.html) for *all* of it.

1. The command finds the socket and posts the question.
   - Nothing listens: it starts the service, detached, and posts again.
   - Something does: it proves the token both ways.
2. The service resolves the model and writes the question down, before anything is asked.

| Part | What it does | Cost |
|:-----|:-------------|-----:|
| plan | resolves the model reference and counts the tokens of the prompt | 2 ms |
| attempt | reads the parts of the backend under a watchdog that knows phases | 1 ms |

\`\`\`typescript
/** Reads the parts of a run, and ends it when nobody reads any more. */
export async function* readParts(run: Run, signal: AbortSignal): AsyncGenerator<Part> {
  const reader = run.open({ signal, from: 0 })
  for await (const { type, text = '' } of reader) {
    if (type === 'text-delta') yield { type, text: \`\${text}\` } // as it comes
    else if (type === 'finish') return
  }
}
\`\`\`

\`\`\`python
def chunks(path: str, size: int = 4096) -> Iterator[bytes]:
    """Yields the file in pieces."""
    with open(path, "rb") as file:
        while piece := file.read(size):
            yield piece
\`\`\`

> Note that nothing of it is *new*: the rest is a matter of taste, and of time.

`

/** CPU of rendering an answer that comes at a given speed, beside writing its text as it is. */
export async function measureRendering({ row }: RenderOptions): Promise<void> {
  await stream(rendered())
  const own = await stream(rendered())
  const plain = await stream(unrendered())
  row(
    `rendering ${tokensPerSecond.toLocaleString('en')} tokens a second at ${columns} columns`,
    `${(100 * own).toFixed(1)} % of a core, ${(own / plain).toFixed(1)} ×`,
    `plain text ${(100 * plain).toFixed(1)} %`,
    '≤ 30 %',
    own <= 0.3,
  )
}

interface Target {
  write(text: string): Promise<void>
  end(): Promise<void>
}

function openOutput() {
  const events = new EventEmitter()
  const stream: OutputStream = {
    isTTY: true,
    columns,
    write: () => true,
    on: (event: string, listener: (...args: never[]) => void) => events.on(event, listener as () => void),
    once: (event: string, listener: () => void) => events.once(event, listener),
  }
  return createOutput(stream, { style: createStyle(true), dumb: false })
}

function rendered(): Target {
  return createMarkdownPrinter({ output: openOutput(), hyperlinks: true })
}

function unrendered(): Target {
  const output = openOutput()
  return { write: (text) => output.write(toTerminalText(text)), end: async () => {} }
}

/** The share of a core that the whole process took meanwhile. */
async function stream(target: Target): Promise<number> {
  const tokens = seconds * tokensPerSecond
  const startedAt = performance.now()
  const before = process.cpuUsage()
  for (let token = 0; token < tokens; ) {
    const due = Math.min(tokens, ((performance.now() - startedAt) * tokensPerSecond) / 1000)
    for (; token < due; token++) {
      const at = (4 * token) % answer.length
      await target.write(answer.slice(at, at + 4))
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await target.end()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - startedAt)
}

if (import.meta.main) await measureRendering({ row: (...cells) => console.log(`| ${cells.join(' | ')} |`) })
