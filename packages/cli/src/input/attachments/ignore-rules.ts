import { readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** What git would leave out, in one folder and below it. */
export interface IgnoreRules {
  /** `path` is absolute and below the folder of these rules. */
  ignores(path: string, isFolder: boolean): boolean
  /** The rules for a folder in this one, its own `.gitignore` added. */
  enter(folder: string): Promise<IgnoreRules>
}

interface Layer {
  folder: string
  rules: Ignore
}

/** Of a folder that may stand in a repository: what is ignored above it counts too. */
export async function loadIgnoreRules(folder: string): Promise<IgnoreRules> {
  const layers: Layer[] = []
  for (const above of await foldersOfRepository(folder)) layers.push(...(await readLayers(above)))
  return createRules(layers)
}

function createRules(layers: readonly Layer[]): IgnoreRules {
  return {
    ignores(path, isFolder) {
      let ignored = false
      // The nearest file that says something decides.
      for (const { folder, rules } of layers) {
        const inside = relative(folder, path).split(sep).join('/')
        const result = rules.test(isFolder ? `${inside}/` : inside)
        if (result.ignored || result.unignored) ignored = result.ignored
      }
      return ignored
    },
    async enter(folder) {
      return createRules([...layers, ...(await readLayers(folder))])
    },
  }
}

/** From the folder with `.git` down to this one; without a repository, this one alone. */
async function foldersOfRepository(folder: string): Promise<string[]> {
  const path: string[] = []
  for (let current = folder; ; current = dirname(current)) {
    path.unshift(current)
    if ((await readText(join(current, '.git', 'HEAD'))) !== undefined) return path
    if (dirname(current) === current) return [folder]
  }
}

async function readLayers(folder: string): Promise<Layer[]> {
  const texts = await Promise.all([
    readText(join(folder, '.git', 'info', 'exclude')),
    readText(join(folder, '.gitignore')),
  ])
  return texts.filter((text) => text !== undefined).map((text) => ({ folder, rules: ignore().add(text) }))
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
