import type { ProgramFacts } from '../llama-server/managed/index.ts'

/**
 * `old`: to 0.9, a server of its own that opens a browser unless it is told not to. `new`: from 0.10, the llama-server
 * of llama.cpp, which does not know that option.
 */
export type Era = 'old' | 'new'

/** As in `llamafile v0.9.3`. */
export function parseLlamafileVersion(text: string): string | undefined {
  return /llamafile\s+v?(\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)/i.exec(text)?.[1]
}

export function eraOf({ versionText, flags }: Pick<ProgramFacts, 'versionText' | 'flags'>): Era {
  return eraOfVersion(versionText) ?? (flags.has('--nobrowser') ? 'old' : 'new')
}

/** What makes a llamafile print the options of its server; those of the old era are known. */
export function toHelp(versionText: string): readonly string[] | undefined {
  const era = eraOfVersion(versionText)
  if (era === 'old') return undefined
  return era === 'new' ? ['--server', '--help'] : ['--help']
}

function eraOfVersion(versionText: string): Era | undefined {
  const version = parseLlamafileVersion(versionText)
  if (version === undefined) return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 0 && minor < 10 ? 'old' : 'new'
}
