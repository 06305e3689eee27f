import { readFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { toRecord } from './file-cache.ts'

export interface DiskRoot {
  kind: 'ollama' | 'lm-studio' | 'hugging-face' | 'llama.cpp' | 'folder'
  path: string
  /** The user named it: its absence is told. */
  isNamed: boolean
}

export interface RootOptions {
  homeDir: string
  platform: NodeJS.Platform
  /** Of the service and of the fronts that asked: `OLLAMA_MODELS`, `HF_HOME`, `HF_HUB_CACHE`, `LLAMA_CACHE` … */
  environments: readonly Readonly<Record<string, string | undefined>>[]
  /** Whether the places of other programs are looked at. */
  scan: boolean
  /** As configured; `~` and relative paths begin at the home directory. */
  folders: readonly string[]
}

/** Where model files may be, best known places first, none twice. Reads only where LM Studio says it keeps them. */
export async function findRoots(options: RootOptions): Promise<DiskRoot[]> {
  const { homeDir, folders } = options
  const named = folders.map((folder): DiskRoot => {
    const path = resolve(homeDir, folder.replace(/^~(?=$|[/\\])/, homeDir))
    return { kind: 'folder', path, isNamed: true }
  })
  const all = [...(options.scan ? await findProgramRoots(options) : []), ...named]
  return all.filter(
    ({ kind, path }, index) => all.findIndex((root) => root.kind === kind && root.path === path) === index,
  )
}

async function findProgramRoots({ homeDir, platform, environments }: RootOptions): Promise<DiskRoot[]> {
  const said = (name: string) => environments.flatMap((environment) => environment[name]?.trim() || [])
  const below = (folders: string[], name: string) => folders.map((folder) => join(folder, name))
  const caches = [...said('XDG_CACHE_HOME'), join(homeDir, '.cache')]
  const root = (kind: DiskRoot['kind']) => (path: string) => ({ kind, path, isNamed: false })
  const llamaCaches = platform === 'darwin' ? [join(homeDir, 'Library/Caches/llama.cpp')] : below(caches, 'llama.cpp')
  const ollama = [
    ...said('OLLAMA_MODELS'),
    join(homeDir, '.ollama/models'),
    ...(platform === 'linux' ? ['/usr/share/ollama/.ollama/models'] : []),
  ]
  const hubs = [
    ...said('HF_HUB_CACHE'),
    ...below(said('HF_HOME'), 'hub'),
    ...below(caches, 'huggingface/hub'),
    ...said('LLAMA_CACHE'),
  ]
  return [
    ...ollama.filter(isAbsolute).map(root('ollama')),
    ...(await findLmStudioFolders(homeDir)).map(root('lm-studio')),
    ...hubs.filter(isAbsolute).map(root('hugging-face')),
    ...[...said('LLAMA_CACHE'), ...llamaCaches].filter(isAbsolute).map(root('llama.cpp')),
  ]
}

/** Its home may be elsewhere, which a file in the user's home says; and in its settings another folder of models. */
async function findLmStudioFolders(homeDir: string): Promise<string[]> {
  const pointed = (await readFile(join(homeDir, '.lmstudio-home-pointer'), 'utf8').catch(() => '')).trim()
  const homes = [
    ...(isAbsolute(pointed) ? [pointed] : []),
    join(homeDir, '.lmstudio'),
    join(homeDir, '.cache/lm-studio'),
  ]
  const chosen = await Promise.all(homes.map(readChosenFolder))
  return [...chosen.flatMap((folder) => folder ?? []), ...homes.map((home) => join(home, 'models'))]
}

async function readChosenFolder(home: string): Promise<string | undefined> {
  try {
    const { downloadsFolder } = toRecord(JSON.parse(await readFile(join(home, 'settings.json'), 'utf8')))
    return typeof downloadsFolder === 'string' && isAbsolute(downloadsFolder) ? downloadsFolder : undefined
  } catch {
    return undefined
  }
}
