import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { assertSocketPath, longestSocketPath, type PlacesOptions, resolvePlaces } from './places.ts'

const linux: PlacesOptions = { env: {}, platform: 'linux', homedir: '/home/ada', tmpdir: '/tmp', uid: 1000 }
const windows: PlacesOptions = {
  env: {},
  platform: 'win32',
  homedir: 'C:\\Users\\ada',
  tmpdir: 'C:\\Users\\ada\\AppData\\Local\\Temp',
}

test('on Linux everything follows the XDG directories', () => {
  const places = resolvePlaces(linux)
  assert.equal(places.configFile, '/home/ada/.config/lmapp/config.json')
  assert.equal(places.dataDir, '/home/ada/.local/share/lmapp')
  assert.equal(places.modelsDir, '/home/ada/.local/share/lmapp/models')
  assert.equal(places.installedBackendsDir, '/home/ada/.local/share/lmapp/backends')
  assert.equal(places.storeFile, '/home/ada/.local/share/lmapp/history.sqlite')
  assert.equal(places.stateDir, '/home/ada/.local/state/lmapp')
  assert.equal(places.cacheDir, '/home/ada/.cache/lmapp')
  assert.equal(places.userBackendsDir, '/home/ada/.lmapp/backends')
})

test('the XDG variables are honoured when they are absolute, and ignored otherwise', () => {
  const env = { XDG_CONFIG_HOME: '/etc/ada', XDG_DATA_HOME: '/data', XDG_STATE_HOME: 'relative', XDG_CACHE_HOME: '' }
  const places = resolvePlaces({ ...linux, env })
  assert.equal(places.configFile, '/etc/ada/lmapp/config.json')
  assert.equal(places.dataDir, '/data/lmapp')
  assert.equal(places.stateDir, '/home/ada/.local/state/lmapp')
  assert.equal(places.cacheDir, '/home/ada/.cache/lmapp')
})

test('on macOS and Windows everything is where that system keeps such things', () => {
  const mac = resolvePlaces({ ...linux, platform: 'darwin', homedir: '/Users/ada' })
  assert.equal(mac.configFile, '/Users/ada/Library/Application Support/lmapp/config.json')
  assert.equal(mac.serviceLogFile, '/Users/ada/Library/Logs/lmapp/service.log')
  assert.equal(mac.cacheDir, '/Users/ada/Library/Caches/lmapp')
  const pc = resolvePlaces(windows)
  assert.equal(pc.configFile, 'C:\\Users\\ada\\AppData\\Roaming\\lmapp\\config.json')
  assert.equal(pc.modelsDir, 'C:\\Users\\ada\\AppData\\Local\\lmapp\\data\\models')
  assert.equal(pc.userBackendsDir, 'C:\\Users\\ada\\.lmapp\\backends')
  const moved = resolvePlaces({ ...windows, env: { APPDATA: 'D:\\Roaming', LOCALAPPDATA: 'D:\\Local' } })
  assert.equal(moved.configFile, 'D:\\Roaming\\lmapp\\config.json')
  assert.equal(moved.cacheDir, 'D:\\Local\\lmapp\\cache')
})

test('LMAPP_HOME puts everything but the socket under one folder, on every system', () => {
  const places = resolvePlaces({ ...linux, env: { LMAPP_HOME: '/srv/lm/' } })
  const { runDir, socket, ...files } = places
  for (const path of Object.values(files)) assert.ok(path.startsWith('/srv/lm/'), path)
  assert.equal(places.configFile, '/srv/lm/config.json')
  assert.equal(places.userBackendsDir, '/srv/lm/backends')
  assert.notEqual(places.installedBackendsDir, places.userBackendsDir)
  assert.equal(runDir, '/tmp/lmapp-1000')
  assert.ok(socket.startsWith(`${runDir}/`))
  assert.equal(resolvePlaces({ ...windows, env: { LMAPP_HOME: 'D:\\lm' } }).configFile, 'D:\\lm\\config.json')
})

test('LMAPP_CONFIG names the configuration file and moves nothing else', () => {
  const places = resolvePlaces({ ...linux, env: { LMAPP_HOME: '/srv/lm', LMAPP_CONFIG: '/etc/lmapp.json' } })
  assert.equal(places.configFile, '/etc/lmapp.json')
  assert.equal(places.dataDir, '/srv/lm/data')
})

test('a relative LMAPP_HOME or LMAPP_CONFIG is refused by name: the service has another working directory', () => {
  for (const variable of ['LMAPP_HOME', 'LMAPP_CONFIG']) {
    assert.throws(
      () => resolvePlaces({ ...linux, env: { [variable]: 'here' } }),
      (error) => isLmappError(error, 'path-unusable') && error.details?.variable === variable,
    )
  }
})

test('the socket is in the runtime directory, else in one of the user under the temporary one', () => {
  const inRuntime = resolvePlaces({ ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1000' } })
  assert.match(inRuntime.socket, /^\/run\/user\/1000\/lmapp\/[0-9a-f]{12}\.sock$/)
  assert.match(resolvePlaces(linux).socket, /^\/tmp\/lmapp-1000\/[0-9a-f]{12}\.sock$/)
  assert.match(resolvePlaces(windows).socket, /^\\\\\.\\pipe\\lmapp-[0-9a-f]{12}$/)
})

test('every home has a socket of its own, the same however it is written', () => {
  const socketOf = (home: string) => resolvePlaces({ ...linux, env: { LMAPP_HOME: home } }).socket
  assert.equal(socketOf('/srv/lm'), socketOf('/srv/./lm//'))
  assert.notEqual(socketOf('/srv/lm'), socketOf('/srv/other'))
  assert.equal(resolvePlaces({ ...linux, env: { LMAPP_HOME: '/' } }).configFile, '/config.json')
})

test('a path too long for a socket is refused by name, and only when a socket is wanted', () => {
  const long = resolvePlaces({ ...linux, tmpdir: `/tmp/${'x'.repeat(100)}` })
  assert.throws(
    () => assertSocketPath(long),
    (error) =>
      isLmappError(error, 'path-unusable') &&
      error.details?.path === long.socket &&
      error.details.limit === longestSocketPath,
  )
  assertSocketPath(resolvePlaces(linux))
  assertSocketPath(resolvePlaces(windows))
})
