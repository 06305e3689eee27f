/** What differs by system, as far as it can be told without being there. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findProgram } from './find-program.ts'
import { toGuarded, toSignalNumber, toWindowsGuard } from './guard.ts'

describe('finding a program', () => {
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lmapp-programs-'))
    for (const name of ['engine', 'engine.exe', 'notes']) await writeFile(join(dir, name), '')
    await chmod(join(dir, 'engine'), 0o755)
  })
  after(() => rm(dir, { recursive: true }))

  it('looks along PATH, then into the usual folders, and takes only what can be run', async () => {
    const found = (name: string, PATH: string, folders: string[] = []) =>
      findProgram(name, { environment: { PATH }, folders, platform: 'linux' })
    assert.equal(await found('engine', `/nowhere:${dir}`), join(dir, 'engine'))
    assert.equal(await found('engine', '/nowhere', [dir]), join(dir, 'engine'))
    assert.equal(await found('notes', dir), undefined)
    assert.equal(await found('engine', ''), undefined)
  })

  it('leaves out relative folders of PATH: a cloned repository must run nothing', async () => {
    const options = { environment: { PATH: '.:bin:' }, platform: 'linux' } as const
    assert.equal(await findProgram('package.json', options), undefined)
  })

  it('takes a path as it is', async () => {
    const options = { environment: {}, platform: 'linux' } as const
    assert.equal(await findProgram(join(dir, 'engine'), options), join(dir, 'engine'))
    assert.equal(await findProgram(dir, options), undefined)
  })

  it('knows on Windows what a program without its ending is called', async () => {
    const environment = { PATH: dir, PATHEXT: '.COM;.EXE' }
    // Where the separator is not that of this system, a path of it is no absolute one.
    const name = join(dir, 'engine')
    assert.equal(await findProgram(name, { environment, platform: 'win32' }), `${name}.exe`)
    assert.equal(await findProgram(`${name}.exe`, { environment: {}, platform: 'win32' }), `${name}.exe`)
  })
})

describe('the guard of a child', () => {
  it('is a shell with a pipe of its own, except on Windows, where a job object does it', () => {
    const posix = toGuarded('/bin/engine', ['-m', 'x y'], 'darwin')
    assert.equal(posix.program, '/bin/sh')
    assert.deepEqual(posix.args.slice(2), ['sh', '/bin/engine', '-m', 'x y'])
    assert.equal(posix.detached, true)
    const windows = toGuarded('C:\\engine.exe', ['-m'], 'win32')
    assert.deepEqual([windows.program, windows.args, windows.detached], ['C:\\engine.exe', ['-m'], false])
    const { program, args } = toWindowsGuard(4711)
    assert.equal(program, 'powershell.exe')
    assert.match(args.at(-1) ?? '', /Hold\(4711\)/)
  })

  it('tells a signal from an exit code as a shell does', () => {
    assert.deepEqual([0, 1, 128, 137, 143, 255, null].map(toSignalNumber), [
      ...[undefined, undefined, undefined],
      ...[9, 15],
      ...[undefined, undefined],
    ])
  })
})
