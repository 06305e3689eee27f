import { createHash } from 'node:crypto'
import { posix, win32 } from 'node:path'
import { LmappError } from 'lmapp-kit'

/** Where everything is. Absolute paths; nothing is made or looked at. */
export interface Places {
  configFile: string
  dataDir: string
  /** Logs, and what may be lost without harm. */
  stateDir: string
  cacheDir: string
  /** GGUF files that lmapp fetched. */
  modelsDir: string
  /** The user's own backends, one folder each; always read. */
  userBackendsDir: string
  /** What `lmapp backends install` put there. */
  installedBackendsDir: string
  /** The history, a SQLite file. */
  storeFile: string
  /** Holds what lasts no longer than a login; must be the user's own, mode 0700. On Windows it is not used. */
  runDir: string
  /** The service's Unix socket, or its named pipe on Windows. */
  socket: string
  /** What a client shows on the socket; mode 0600. */
  tokenFile: string
  /** Elects the one service of this home. */
  lockFile: string
  serviceLogFile: string
}

export interface PlacesOptions {
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  homedir: string
  tmpdir: string
  /** Absent on Windows. */
  uid?: number | undefined
}

/** Throws `path-unusable` when `LMAPP_HOME` or `LMAPP_CONFIG` is not absolute. */
export function resolvePlaces(options: PlacesOptions): Places {
  const path = options.platform === 'win32' ? win32 : posix
  const home = readAbsolute('LMAPP_HOME', options, path)
  const folders = home === undefined ? userFolders(options, path) : foldersUnder(home, path)
  const runDir = runDirOf(options, path)
  return {
    configFile: readAbsolute('LMAPP_CONFIG', options, path) ?? path.join(folders.config, 'config.json'),
    dataDir: folders.data,
    stateDir: folders.state,
    cacheDir: folders.cache,
    modelsDir: path.join(folders.data, 'models'),
    userBackendsDir: path.join(home ?? path.join(options.homedir, '.lmapp'), 'backends'),
    installedBackendsDir: path.join(folders.data, 'backends'),
    storeFile: path.join(folders.data, 'history.sqlite'),
    runDir,
    socket: socketOf(options, runDir, folders.data, path),
    tokenFile: path.join(folders.data, 'service.token'),
    lockFile: path.join(folders.data, 'service.lock'),
    serviceLogFile: path.join(folders.state, 'service.log'),
  }
}

/** What the systems allow for the path of a socket, less a margin: Linux has 108 bytes, macOS 104. */
export const longestSocketPath = 100

/** Throws `path-unusable`, by name, when the socket's path is longer than a socket's path may be. */
export function assertSocketPath(places: Places): void {
  const bytes = Buffer.byteLength(places.socket)
  if (isPipe(places.socket) || bytes <= longestSocketPath) return
  throw new LmappError(
    'path-unusable',
    `The path of the service's socket has ${bytes} bytes, and ${longestSocketPath} are possible: ${places.socket}`,
    {
      hint: 'Set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter path',
      details: { path: places.socket, bytes, limit: longestSocketPath },
    },
  )
}

type PathModule = typeof posix

interface Folders {
  config: string
  data: string
  state: string
  cache: string
}

function foldersUnder(home: string, path: PathModule): Folders {
  return {
    config: home,
    data: path.join(home, 'data'),
    state: path.join(home, 'state'),
    cache: path.join(home, 'cache'),
  }
}

function userFolders(options: PlacesOptions, path: PathModule): Folders {
  const { env, platform, homedir } = options
  if (platform === 'darwin') {
    const library = path.join(homedir, 'Library')
    const support = path.join(library, 'Application Support', 'lmapp')
    return {
      config: support,
      data: support,
      state: path.join(library, 'Logs', 'lmapp'),
      cache: path.join(library, 'Caches', 'lmapp'),
    }
  }
  if (platform === 'win32') {
    const roaming = absoluteOr(env.APPDATA, path.join(homedir, 'AppData', 'Roaming'), path)
    const local = path.join(absoluteOr(env.LOCALAPPDATA, path.join(homedir, 'AppData', 'Local'), path), 'lmapp')
    return { ...foldersUnder(local, path), config: path.join(roaming, 'lmapp') }
  }
  const xdg = (name: string, standard: string) =>
    path.join(absoluteOr(env[name], path.join(homedir, standard), path), 'lmapp')
  return {
    config: xdg('XDG_CONFIG_HOME', '.config'),
    data: xdg('XDG_DATA_HOME', '.local/share'),
    state: xdg('XDG_STATE_HOME', '.local/state'),
    cache: xdg('XDG_CACHE_HOME', '.cache'),
  }
}

/** The runtime directory, else a directory of the user's own under the temporary one. */
function runDirOf(options: PlacesOptions, path: PathModule): string {
  const runtime = options.env.XDG_RUNTIME_DIR
  if (options.platform !== 'win32' && runtime && path.isAbsolute(runtime)) return path.join(runtime, 'lmapp')
  return path.join(options.tmpdir, options.uid === undefined ? 'lmapp' : `lmapp-${options.uid}`)
}

function socketOf(options: PlacesOptions, runDir: string, home: string, path: PathModule): string {
  const isWindows = options.platform === 'win32'
  const name = isWindows ? home.toLowerCase() : home
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12)
  return isWindows ? `\\\\.\\pipe\\lmapp-${hash}` : path.join(runDir, `${hash}.sock`)
}

const isPipe = (socket: string): boolean => socket.startsWith('\\\\.\\pipe\\')

/** The specification of the XDG directories has relative ones ignored. */
function absoluteOr(value: string | undefined, standard: string, path: PathModule): string {
  return value && path.isAbsolute(value) ? value : standard
}

function readAbsolute(name: string, options: PlacesOptions, path: PathModule): string | undefined {
  const value = options.env[name]
  if (!value) return undefined
  if (path.isAbsolute(value)) return path.normalize(value).replace(/(?<=[^:\\/])[\\/]+$/, '')
  throw new LmappError('path-unusable', `${name} must be an absolute path, and it is "${value}".`, {
    hint: `Write the whole path, as ${name}="$PWD/${value}"`,
    details: { variable: name, path: value },
  })
}
