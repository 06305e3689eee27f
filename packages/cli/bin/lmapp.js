#!/usr/bin/env node
import module from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`lmapp: It needs Node 22.18 or newer, and this is ${process.versions.node}.\n`)
  process.exit(11)
}

// In a folder of the user's own: the default one is shared by all users of the machine.
module.enableCompileCache(join(cacheFolder(process.env), 'compiled'))
await import('../dist/main.js')

/** Below `places.cacheDir`, without the cost of loading what knows that. */
function cacheFolder({ LMAPP_HOME, LOCALAPPDATA, XDG_CACHE_HOME }) {
  const set = (path) => (path && isAbsolute(path) ? path : undefined)
  if (set(LMAPP_HOME)) return join(LMAPP_HOME, 'cache')
  if (process.platform === 'win32') {
    return join(set(LOCALAPPDATA) ?? join(homedir(), 'AppData', 'Local'), 'lmapp', 'cache')
  }
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lmapp')
  return join(set(XDG_CACHE_HOME) ?? join(homedir(), '.cache'), 'lmapp')
}
