import { spawn } from 'node:child_process'
import type { CommandContext } from '../../context.ts'

export interface Copied {
  /** Programs and ways that took it. */
  by: string[]
  /** Why others did not, for a person. */
  because: string[]
}

/** Of text. Terminals take about 100,000 bytes in one sequence, which is base64 of three quarters of that. */
const mostForTerminal = 74_000
const deadlineMs = 3000

type Tool = readonly [name: string, ...args: string[]]

/** To the clipboard of the terminal, also over ssh (OSC 52), and to that of this machine by a program of its own. */
export async function copyText(text: string, context: CommandContext): Promise<Copied> {
  const copied: Copied = { by: [], because: [] }
  const tools = findTools(context)
  for (const tool of tools) {
    if (await runTool(tool, text, context)) copied.by.push(tool[0])
    else copied.because.push(`${tool[0]} did not take it`)
  }
  if (tools.length === 0) copied.because.push('no clipboard program is here (wl-copy, xclip, pbcopy)')
  if (!context.stdout.canRedraw) copied.because.push('this terminal has no clipboard')
  else if (Buffer.byteLength(text) > mostForTerminal) copied.because.push('it is too long for the terminal (74 kB)')
  else {
    await context.stdout.write(toSequence(text, context.environment))
    copied.by.push('the terminal, if it allows it')
  }
  return copied
}

/** Tmux passes on what stands in its own wrapping, each escape character doubled; and knows the plain one too. */
function toSequence(text: string, { TMUX }: NodeJS.ProcessEnv): string {
  const sequence = `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`
  return TMUX ? `\u001bPtmux;${sequence.replaceAll('\u001b', '\u001b\u001b')}\u001b\\${sequence}` : sequence
}

function findTools({ environment, platform }: CommandContext): Tool[] {
  const { WAYLAND_DISPLAY, DISPLAY, TMUX } = environment
  if (platform === 'darwin') return [['pbcopy']]
  if (platform === 'win32') return [['clip']]
  return [
    ...(WAYLAND_DISPLAY ? [['wl-copy'] as const] : []),
    ...(!WAYLAND_DISPLAY && DISPLAY ? [['xclip', '-selection', 'clipboard'] as const] : []),
    ...(TMUX ? [['tmux', 'load-buffer', '-w', '-'] as const] : []),
  ]
}

async function runTool([name, ...args]: Tool, text: string, { environment }: CommandContext): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const child = spawn(name, args, { env: environment, stdio: ['pipe', 'ignore', 'ignore'], timeout: deadlineMs })
  child.once('error', () => resolve(false))
  child.once('exit', (code) => resolve(code === 0))
  child.stdin.on('error', () => {})
  child.stdin.end(text)
  return promise
}
