import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LmappError } from 'lmapp-kit'

/** Where downloads come from: a server, or a folder of this machine. */
export type SourcePlace =
  | {
      kind: 'address'
      /** Without slash at the end. */
      url: string
    }
  | { kind: 'folder'; path: string }

/** `setting`: what says so, as `sources.llamafile`. Throws `config-invalid` for what is neither. */
export function parseSourcePlace(text: string, setting: string): SourcePlace {
  const place = text.trim()
  if (isAbsolute(place)) return { kind: 'folder', path: place }
  const url = URL.canParse(place) ? new URL(place) : undefined
  if (url?.protocol === 'file:' && url.host === '') return { kind: 'folder', path: fileURLToPath(url) }
  if (url && isWeb(url)) return { kind: 'address', url: place.replace(/\/+$/, '') }
  throw new LmappError('config-invalid', `${setting} is neither an address nor an absolute folder: "${text}".`, {
    hint: `Set it anew: lmapp config set ${setting} https://…`,
    details: { path: setting },
  })
}

/** For people: without what may be secret in an address. */
export function describePlace(place: SourcePlace): string {
  if (place.kind === 'folder') return place.path
  const { host, pathname } = new URL(place.url)
  return `${host}${pathname}`.replace(/\/+$/, '')
}

export const isWeb = ({ protocol }: URL): boolean => /^https?:$/.test(protocol)
