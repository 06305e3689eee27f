import { execFile } from 'node:child_process'
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '../../processes/index.ts'

/** A process that runs `ollama serve`. */
export interface ServingProcess {
  pid: number
  /** As `/proc/PID/cgroup` has it. */
  cgroup: string
  /** Name of the program that started it. */
  parent: string
}

/** What a look at the machine tells. Nothing here is changed or started. */
export interface Machine {
  platform: NodeJS.Platform
  homeDir: string
  environment: Readonly<Record<string, string | undefined>>
  exists(path: string): Promise<boolean>
  /** Where `ollama` is installed. */
  program(): Promise<string | undefined>
  /** Only Linux tells. */
  serving(): Promise<ServingProcess[]>
  /** Of a unit of systemd: `active`, `inactive`, `failed` … */
  unitState(unit: string, manager: 'system' | 'user'): Promise<string | undefined>
}

export interface MachineOptions {
  platform: NodeJS.Platform
  homeDir: string
  /** Of the service: `PATH`, `LOCALAPPDATA`. */
  environment: Readonly<Record<string, string | undefined>>
  /** Default: `/proc`. */
  procDir?: string
}

export function createMachine(options: MachineOptions): Machine {
  const { platform, homeDir, environment, procDir = '/proc' } = options
  return {
    platform,
    homeDir,
    environment,
    exists,
    program: () => findProgram('ollama', { environment, platform, folders: programFolders(options) }),
    serving: async () => (platform === 'linux' ? findServing(procDir) : []),
    unitState: askSystemd,
  }
}

/** Where its installers put it. */
function programFolders({ platform, environment }: MachineOptions): string[] {
  if (platform === 'darwin') {
    return ['/usr/local/bin', '/opt/homebrew/bin', '/Applications/Ollama.app/Contents/Resources']
  }
  if (platform !== 'win32') return ['/usr/local/bin', '/usr/bin', '/bin']
  return environment.LOCALAPPDATA ? [join(environment.LOCALAPPDATA, 'Programs', 'Ollama')] : []
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function findServing(procDir: string): Promise<ServingProcess[]> {
  const names = (await readdir(procDir).catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(names.map((name) => readServing(procDir, name)))
  return found.flatMap((process) => process ?? [])
}

async function readServing(procDir: string, pid: string): Promise<ServingProcess | undefined> {
  const read = (of: string, file: string) => readFile(join(procDir, of, file), 'utf8').catch(() => '')
  const [program = '', verb] = (await read(pid, 'cmdline')).split('\0')
  if (!/(^|\/)ollama$/.test(program) || (verb !== 'serve' && verb !== 'start')) return undefined
  const [cgroup, stat] = await Promise.all([read(pid, 'cgroup'), read(pid, 'stat')])
  // The name in parentheses may hold anything; the parent is the second field after it.
  const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? ''
  return { pid: Number(pid), cgroup, parent: (await read(parent, 'comm')).trim() }
}

/** Longer than that a manager that is well does not take. */
const systemdMs = 2_000

async function askSystemd(unit: string, manager: 'system' | 'user'): Promise<string | undefined> {
  const args = ['show', unit, '--property=ActiveState', '--value']
  try {
    const { stdout } = await promisify(execFile)('systemctl', [`--${manager}`, ...args], { timeout: systemdMs })
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
