import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { LmappError, type Status } from 'lmapp-kit'

/** The library that the embedded plugin runs on, and the one build of it that fits a machine. */
export const engineVersion = '3.22.1'
const packageName = 'node-llama-cpp'
const builds: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-armv7l',
  'linux-riscv64': 'linux-riscv64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
}

export interface EngineInstallation {
  /** Folder of the plugin: in a checkout the library is found from there. */
  pluginDir: string
  /** Where it is put otherwise, one folder a version. */
  enginesDir: string
  platform?: string
  /** Program and first arguments of npm. */
  npm?: string[]
}

/** Folder from which the library resolves, or undefined while it is not installed. */
export function findEngine(installation: EngineInstallation): string | undefined {
  return [installation.pluginDir, engineFolder(installation)].find(resolves)
}

function resolves(folder: string): boolean {
  try {
    return existsSync(createRequire(join(folder, 'package.json')).resolve(packageName))
  } catch {
    return false
  }
}

function engineFolder({ enginesDir }: EngineInstallation): string {
  return join(enginesDir, `${packageName}-${engineVersion}`)
}

/**
 * Installs the library and the build for this machine, nothing else (about 70 MB instead of 725), by the user's npm.
 * Ends at once when it is there. Throws `offline`, `tool-missing`, `unsupported` or `download-failed`.
 */
export async function* installEngine(
  installation: EngineInstallation,
  options: { signal: AbortSignal; offline: boolean },
): AsyncGenerator<Status> {
  if (findEngine(installation)) return
  const { platform = `${process.platform}-${process.arch}` } = installation
  const build = builds[platform]
  if (!build) throw new LmappError('unsupported', `The embedded engine has no build for ${platform}.`)
  if (options.offline) {
    throw new LmappError('offline', 'The embedded engine is not installed, and LMAPP_OFFLINE forbids fetching it.')
  }
  yield { type: 'status', phase: 'fetching', message: 'Fetching the embedded engine (llama.cpp, about 70 MB, MIT).' }
  const target = engineFolder(installation)
  const draft = `${target}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  await writeFile(join(draft, 'package.json'), JSON.stringify(toRootPackage(build), null, 2))
  await runNpm(installation.npm ?? defaultNpm(), draft, options.signal)
  await rm(target, { recursive: true, force: true })
  await rename(draft, target)
}

function toRootPackage(build: string): object {
  return {
    name: 'lmapp-embedded-engine',
    private: true,
    dependencies: { [packageName]: engineVersion, [`@${packageName}/${build}`]: engineVersion },
  }
}

function defaultNpm(): string[] {
  return process.platform === 'win32' ? ['cmd.exe', '/d', '/s', '/c', 'npm'] : ['npm']
}

async function runNpm([program = 'npm', ...first]: string[], folder: string, signal: AbortSignal): Promise<void> {
  const flags = ['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  const child = spawn(program, [...first, ...flags], { cwd: folder, signal, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  const code = await promise.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
    throw new LmappError('tool-missing', 'npm is needed to fetch the embedded engine, and it was not found.', {
      hint: 'Install Node.js with npm, or start an engine of your own: lmapp doctor',
      cause,
    })
  })
  if (code === 0) return
  await rm(folder, { recursive: true, force: true })
  throw new LmappError('download-failed', 'npm could not install the embedded engine.', {
    details: { exitCode: code, stderr: said },
    hint: said.trim().split('\n').at(-1) ?? 'Try again',
  })
}
