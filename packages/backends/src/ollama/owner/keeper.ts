import { join } from 'node:path'
import type { Machine, ServingProcess } from './machine.ts'

/** Who keeps an Ollama running, or would. */
export interface Keeper {
  /** For people. */
  managedBy: string
  /** Commands. */
  start?: string
  restart?: string
  /** A unit of systemd. */
  unit?: 'system' | 'user'
}

/** Who starts the Ollama that is installed here, whether it runs or not. Undefined: nobody. */
export async function findManager(machine: Machine): Promise<Keeper | undefined> {
  if (machine.platform === 'darwin') return findMacApp(machine)
  if (machine.platform === 'win32') return findWindowsApp(machine)
  if (!(await machine.exists('/run/systemd/system'))) return undefined
  for (const folder of ['/etc/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system']) {
    if (await machine.exists(join(folder, 'ollama.service'))) return toUnit('system')
  }
  const own = join(machine.homeDir, '.config/systemd/user/ollama.service')
  return (await machine.exists(own)) ? toUnit('user') : undefined
}

/** Who keeps the one that runs here. */
export async function findKeeper(machine: Machine): Promise<Keeper> {
  const serving = await machine.serving()
  const keepers = serving.map(toKeeper)
  const known = keepers.find(({ restart }) => restart !== undefined) ?? keepers[0]
  if (known) return known
  const manager = machine.platform === 'linux' ? undefined : await findManager(machine)
  // Its process cannot be seen: its port leads elsewhere.
  const elsewhere = machine.platform === 'linux' ? 'a container, or another machine' : 'another program'
  return manager ?? { managedBy: elsewhere }
}

function toKeeper({ cgroup, parent }: ServingProcess): Keeper {
  if (cgroup.includes('ollama.service')) return toUnit(/user@\d+\.service/.test(cgroup) ? 'user' : 'system')
  if (/docker|libpod|containerd|kubepods|crio|lxc/.test(cgroup)) return toContainer(cgroup)
  return { managedBy: parent === '' ? 'another program' : `another program (started from ${parent})` }
}

/** Programs that run containers put the container's id into the name of its group. */
function toContainer(cgroup: string): Keeper {
  const [, tool, id] = /(docker|libpod)[-/]([0-9a-f]{12})[0-9a-f]{52}/.exec(cgroup) ?? []
  const program = tool === 'libpod' ? 'podman' : 'docker'
  return { managedBy: 'a container', ...(id !== undefined && { restart: `${program} restart ${id}` }) }
}

function toUnit(unit: 'system' | 'user'): Keeper {
  const systemctl = unit === 'system' ? 'sudo systemctl' : 'systemctl --user'
  return {
    managedBy: 'systemd (ollama.service)',
    start: `${systemctl} start ollama`,
    restart: `${systemctl} restart ollama`,
    unit,
  }
}

async function findMacApp({ exists, homeDir }: Machine): Promise<Keeper | undefined> {
  const places = ['/Applications/Ollama.app', join(homeDir, 'Applications/Ollama.app')]
  const found = await Promise.all(places.map(exists))
  if (!found.includes(true)) return undefined
  const start = 'open -a Ollama'
  return { managedBy: 'the Ollama app', start, restart: `osascript -e 'quit app "Ollama"'; ${start}` }
}

async function findWindowsApp({ exists, environment }: Machine): Promise<Keeper | undefined> {
  if (!environment.LOCALAPPDATA) return undefined
  const app = join(environment.LOCALAPPDATA, 'Programs', 'Ollama', 'ollama app.exe')
  if (!(await exists(app))) return undefined
  const start = `start "" "${app}"`
  return { managedBy: 'the Ollama app', start, restart: `taskkill /f /im "ollama app.exe" & ${start}` }
}
