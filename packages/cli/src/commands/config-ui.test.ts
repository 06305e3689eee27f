import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createScreen } from '../testing/screen.ts'
import { openTerminal, type Terminal } from '../testing/terminal.ts'
import { createTestContext } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

const down = '\u001b[B'
const homes: string[] = []
after(() => {
  for (const home of homes) rmSync(home, { recursive: true })
})

function openForm(config: string | undefined, environment: NodeJS.ProcessEnv = {}) {
  const home = mkdtempSync(join(tmpdir(), 'lmapp-form-'))
  homes.push(home)
  const file = join(home, 'config.json')
  mkdirSync(home, { recursive: true })
  if (config !== undefined) writeFileSync(file, config)
  const terminal = openTerminal({
    argv: ['config', 'ui'],
    environment: { PATH: process.env.PATH, LMAPP_HOME: home, NO_COLOR: '1', ...environment },
    columns: 160,
    rows: 40,
  })
  return { terminal, file, text: () => readFileSync(file, 'utf8') }
}

/** Resolves with all rows that were shown, those above the screen too, once they are as wanted. */
async function untilShown(terminal: Terminal, isWanted: (text: string) => boolean): Promise<string> {
  for (;;) {
    const screen = createScreen({ columns: 160, rows: 40 })
    screen.write(terminal.shown)
    const text = screen.lines.join('\n')
    if (isWanted(text)) return text
    await terminal.until(/[\s\S]+/)
  }
}

const untilScreen = (terminal: Terminal, pattern: RegExp) => untilShown(terminal, (text) => pattern.test(text))

/** The choice that is marked now: the last bullet on the screen. */
const marked = /● [^\n]*(?![\s\S]*●)/

/** Moves to the choice with this label, takes it, and waits for the next question: it would lose what is typed before. */
async function choose(terminal: Terminal, label: RegExp): Promise<void> {
  for (let before = ''; ; ) {
    const text = await untilShown(terminal, (shown) => (marked.exec(shown)?.[0] ?? before) !== before)
    const [now = ''] = marked.exec(text) ?? []
    if (label.test(now)) break
    terminal.type(down)
    before = now
  }
  const answered = countOf('◇', await untilScreen(terminal, marked))
  terminal.type('\r')
  await untilShown(terminal, (text) => countOf('◇', text) > answered && text.lastIndexOf('◆') > text.lastIndexOf('◇'))
}

function countOf(sign: string, text: string): number {
  return text.split(sign).length - 1
}

describe('lmapp config ui', () => {
  it('shows what a setting means, its default and where its value comes from', async () => {
    const { terminal } = openForm('{ "failover": { "retries": 3 } }', { LMAPP_MODEL: 'from/outside' })
    await using _terminal = terminal
    await untilScreen(terminal, /model = from\/outside \(\$LMAPP_MODEL/)
    await choose(terminal, /failover\.retries = 3/)
    const shown = await untilScreen(terminal, /takes: a whole number[^\n]*/)
    assert.match(shown, /Tries of the same engine again/)
    assert.match(shown, /now: 3 \(file\)/)
    assert.match(shown, /default: 1/)
  })

  it('writes what is right, keeps comments, and says at once what is wrong', async () => {
    const { terminal, text } = openForm('{\n  // mine\n  "failover": { "retries": 3 }\n}\n')
    await using _terminal = terminal
    await choose(terminal, /failover\.retries/)
    await untilScreen(terminal, /takes:[\s\S]*failover\.retries/)
    terminal.type('\u007f99\r')
    await untilScreen(terminal, /must be a whole number from 0 to 10/)
    terminal.type('\u007f\u007f5\r')
    await untilScreen(terminal, /Written:/)
    assert.match(text(), /\/\/ mine\n {2}"failover": \{ "retries": 5 \}/)
    await untilScreen(terminal, /●/)
    terminal.type('\u0003')
    assert.equal(await terminal.exited, 0)
  })

  it('sets a switch, and takes it out of the file again', async () => {
    const { terminal, text } = openForm(undefined)
    await using _terminal = terminal
    await choose(terminal, /chat\.plain/)
    await choose(terminal, /● true/)
    await untilScreen(terminal, /● chat\.plain = true \(file/)
    assert.match(text(), /"plain": true/)
    await choose(terminal, /chat\.plain/)
    await choose(terminal, /take it out of the file/)
    await untilScreen(terminal, /● chat\.plain = false \(default/)
    assert.doesNotMatch(text(), /"plain"/)
  })

  it('without a terminal names the commands that do the same', async () => {
    const context = createTestContext({})
    assert.equal(await runCommand(context, ['config', 'ui']), 2)
    assert.match(context.stderr.text, /lmapp config set KEY VALUE/)
  })
})

describe('backends in the form', () => {
  let service: TestService
  before(async () => {
    service = await openTestService({ echo: {}, other: {} })
  })
  after(() => service[Symbol.asyncDispose]())

  it('are added, tested as they are written, and removed', async () => {
    const terminal = openTerminal({
      argv: ['config', 'ui'],
      environment: { ...service.environment, NO_COLOR: '1' },
      columns: 160,
      rows: 40,
    })
    await using _terminal = terminal
    await choose(terminal, /backends = box/)
    await choose(terminal, /● box/)
    await choose(terminal, /test it/)
    await untilScreen(terminal, /It is started when it is needed: 2 models/)
    await choose(terminal, /● back$/)
    await choose(terminal, /add one/)
    await untilScreen(terminal, /Its name/)
    terminal.type('Wrong Name\r')
    await untilScreen(terminal, /must be an id of lower-case letters/)
    terminal.type('\u0015gone\r')
    await untilScreen(terminal, /type:/)
    terminal.type('ollama\r')
    await untilScreen(terminal, /Written:/)
    await choose(terminal, /remove it/)
    await untilScreen(terminal, /Remove backends\.gone\?/)
    terminal.type('y')
    await untilScreen(terminal, /Written:/)
  })
})
