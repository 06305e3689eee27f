import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { lmapp, openTerminal, type Terminal } from '../../../testing/terminal.ts'
import { createEmulator } from './testing/emulator.ts'

const home = mkdtempSync(join(tmpdir(), 'lmapp-editor-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** Nothing is asked in these tests, so nobody answers. */
const environment = {
  PATH: process.env.PATH,
  HOME: home,
  LMAPP_HOME: home,
  LMAPP_SERVICE: 'off',
  NO_COLOR: '1',
}
const shellPrompt = /bash\S*[#$] $/
const chat = ['-q', '-m', 'box/none']

function open(columns = 80, rows = 24): Terminal {
  return openTerminal({ argv: chat, environment, columns, rows })
}

/** A shell with the chat in it; `$lmapp` is the command. */
function openShell(...shell: string[]): Terminal {
  const command = [...lmapp, ...chat].map((word) => `'${word}'`).join(' ')
  return openTerminal({ argv: [], program: shell.map((word) => word.replace('$lmapp', command)), environment })
}

/** What can be read on the terminal. */
function read({ shown }: Terminal, columns = 80): string[] {
  const emulator = createEmulator({ columns, rows: 24 })
  emulator.write(shown)
  return emulator.lines
}

async function leave(terminal: Terminal): Promise<void> {
  terminal.type('\u0003\u0004')
  assert.equal(await terminal.exited, 0)
}

describe('the editor in a real terminal', () => {
  it('moves, changes and recalls', async () => {
    await using terminal = open(40)
    await terminal.until(/> $/)
    terminal.type('one twoo\u001b[D\u007f\u001b[1;5D\u001b[1;5Dzero \n')
    await terminal.until(/\n {2}one two/)
    assert.deepEqual(read(terminal, 40), ['> zero', '  one two'])
    await leave(terminal)
  })

  it('shows a paste of 300 lines as a chip, and completes by Tab', async () => {
    await using terminal = open()
    await terminal.until(/> $/)
    terminal.type(`\u001b[200~${'a line\n'.repeat(300)}\u001b[201~`)
    await terminal.until(/lines\]/)
    assert.deepEqual(read(terminal), ['> [pasted 300 lines]'])
    terminal.type('\u007f/hel\t')
    await terminal.until(/\/help/)
    assert.deepEqual(read(terminal), ['> /help'])
    await leave(terminal)
  })

  it('breaks its rows anew when the window changes', async () => {
    await using terminal = open(80)
    const emulator = createEmulator({ columns: 80, rows: 24 })
    let fed = 0
    const feed = () => {
      emulator.write(terminal.shown.slice(fed))
      fed = terminal.shown.length
    }
    await terminal.until(/> $/)
    terminal.type('a question that is longer than the narrow window will be, and ends here')
    await terminal.until(/here$/)
    feed()
    for (const columns of [40, 30, 100]) {
      emulator.resize(columns, 24)
      terminal.resize(columns, 24)
      await terminal.until(/\[K> a[\s\S]*here\S*\[\?25h/)
      feed()
      assert.equal(
        emulator.lines.join('').replace(/\s+/g, ' '),
        '> a question that is longer than the narrow window will be, and ends here',
      )
    }
    await leave(terminal)
  })

  it('leaves the terminal as it was, also when it is told to end', async () => {
    for (const signal of [undefined, 'SIGTERM', 'SIGHUP'] as const) {
      await using terminal = openShell(
        'bash',
        '-c',
        'stty -g; (echo pid $BASHPID; exec $lmapp); echo; stty -g; echo end',
      )
      const started = await terminal.until(/> $/)
      const [mode] = /^\S+/.exec(started) ?? []
      assert.ok(mode)
      if (signal) process.kill(Number(/pid (\d+)/.exec(started)?.[1]), signal)
      else terminal.type('\u0004')
      const ended = await terminal.until(/end/)
      assert.ok(ended.includes(`\n${mode}`), ended)
      for (const off of ['\u001b[?2004l', '\u001b[<u', '\u001b[>4m']) assert.ok(ended.includes(off), ended)
      await terminal.exited
    }
  })

  it('is suspended by Ctrl-Z, and comes back with what was written', async () => {
    await using terminal = openShell('bash', '--norc', '--noprofile', '-i')
    await terminal.until(shellPrompt)
    terminal.type(`${[...lmapp, ...chat].join(' ')}\r`)
    await terminal.until(/\[J> $/)
    terminal.type('draft')
    await terminal.until(/draft/)
    terminal.type('\u001a')
    const stopped = await terminal.until(/Stopped[\s\S]*bash\S*[#$] $/)
    assert.ok(stopped.includes('\u001b[?2004l'))
    terminal.type('fg\r')
    await terminal.until(/> draft/)
    terminal.type('!')
    await terminal.until(/!/)
    terminal.type('\u0003\u0004')
    await terminal.until(shellPrompt)
    terminal.type('exit\r')
    await terminal.exited
  })

  it('goes on after Ctrl-Z where nobody could wake it', async () => {
    await using terminal = open()
    await terminal.until(/> $/)
    terminal.type('draft\u001a')
    await terminal.until(/draft[\s\S]*> draft/)
    terminal.type('!')
    await terminal.until(/!/)
    await leave(terminal)
  })
})
