import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { findTool, runTool, type ToolContext, type ToolResult, toToolEnvironment, toToolFailed } from './run-tool.ts'

/** Fetches one wheel, nothing that would have to be built, and runs nothing of it; returns its path in `folder`. */
export async function downloadWheel(spec: string, folder: string, context: ToolContext): Promise<string> {
  await mkdir(folder, { recursive: true })
  const flags = ['--no-deps', '--only-binary', ':all:', '--dest', '.']
  const { result } = await runPip(['download', ...quiet, ...flags, '--', spec], folder, context)
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (result.code !== 0 || wheel === undefined) throw toToolFailed(`fetch ${spec}`, 'pip', result)
  return join(folder, wheel)
}

export interface Environment {
  /** Where it is made. */
  folder: string
  /** Where it will be moved to. */
  finalFolder: string
  /** Arguments of `pip install`. */
  install: readonly string[]
  /** For temporary files. */
  work: string
}

/** Makes a virtual environment with these packages. Nothing of the user's own Python packages is seen in it. */
export async function makeEnvironment(environment: Environment, context: ToolContext): Promise<void> {
  const { folder, finalFolder, install, work } = environment
  const { program, result: version } = await runPip(['--version'], work, context)
  const [, major = 0, minor = 0] = (/^pip (\d+)\.(\d+)/m.exec(version.stdout) ?? []).map(Number)
  // pip 22.3 installs into an environment that has no pip of its own, which is made 30 times as fast.
  const isNew = major > 22 || (major === 22 && minor >= 3)
  const made = await run([program, '-m', 'venv', ...(isNew ? ['--without-pip'] : []), folder], work, context)
  if (made.code !== 0) throw toNoVenv(made)
  const inside = programIn(folder, 'python')
  const base = isNew ? [program, '-m', 'pip', '--python', inside] : [inside, '-m', 'pip']
  const sources = context.offline ? ['--no-index'] : []
  const result = await run([...base, 'install', ...quiet, ...sources, ...install], work, context)
  if (result.code !== 0) throw toToolFailed('install what the plugin needs', 'pip', result)
  await moveScripts(folder, finalFolder)
}

/** Where a program of an environment is. */
export function programIn(environment: string, name: string): string {
  return process.platform === 'win32' ? join(environment, 'Scripts', `${name}.exe`) : join(environment, 'bin', name)
}

/** The folder of its packages. */
export async function packagesIn(environment: string): Promise<string> {
  if (process.platform === 'win32') return join(environment, 'Lib', 'site-packages')
  const lib = join(environment, 'lib')
  const version = (await readdir(lib)).find((name) => name.startsWith('python')) ?? 'python3'
  return join(lib, version, 'site-packages')
}

const quiet = ['--quiet', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off']

/** pip's own settings, but for those that would make it put things elsewhere. */
const pipVariables = /^(PIP_(?!(USER|TARGET|PREFIX|ROOT|PYTHON|DRY_RUN|REQUIRE_VIRTUALENV|NO_DEPS)$)\w+|PYENV_\w+)$/i

/** By the first Python that has pip. Throws `tool-missing`, with the command that brings it. */
async function runPip(args: readonly string[], folder: string, context: ToolContext): Promise<PipRun> {
  let found: string | undefined
  for (const name of ['python3', 'python']) {
    const program = await findTool(name, context)
    if (program === undefined) continue
    const result = await run([program, '-m', 'pip', ...args], folder, context)
    if (result.code === 0 || !result.stderr.some((line) => /No module named pip/.test(line))) return { program, result }
    found ??= program
  }
  throw found === undefined ? noPython() : noPip(found)
}

interface PipRun {
  program: string
  result: ToolResult
}

function run(command: readonly string[], folder: string, context: ToolContext): Promise<ToolResult> {
  const temporary = { TMPDIR: folder, TEMP: folder, TMP: folder }
  const environment = toToolEnvironment(context, pipVariables, temporary)
  return runTool({ command, folder, environment, signal: context.signal })
}

/** Scripts name their environment by its full path. */
async function moveScripts(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = join(from, 'bin')
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path)
    if (!found.isFile() || found.size > 64 * 1024) continue
    const text = await readFile(path, 'latin1')
    if (text.includes(from)) await writeFile(path, text.replaceAll(from, to), 'latin1')
  }
}

const hints: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Run: xcode-select --install',
  linux: 'Run: sudo apt install python3-pip python3-venv, or what your system has instead',
  win32: 'Run: winget install Python.Python.3.13',
}

function noPython(): LmappError {
  return new LmappError('tool-missing', 'Python 3 with pip is needed for this plugin, and it was not found.', {
    hint: hints[process.platform] ?? 'Install Python 3 with pip',
    details: { tool: 'python3' },
  })
}

function noPip(program: string): LmappError {
  const command = `${basename(program)} -m ensurepip --user`
  return new LmappError('tool-missing', `${program} is here, but it has no pip.`, {
    hint: process.platform === 'linux' ? `Run: ${command}, or: sudo apt install python3-pip` : `Run: ${command}`,
    details: { tool: 'pip' },
  })
}

function toNoVenv({ code, stdout, stderr }: ToolResult): LmappError {
  return new LmappError('tool-missing', 'Python could not make a virtual environment.', {
    hint: process.platform === 'linux' ? 'Run: sudo apt install python3-venv' : 'Repair the installation of Python',
    details: { tool: 'venv', exitCode: code, output: [...stdout.split('\n').slice(-10), ...stderr] },
  })
}
