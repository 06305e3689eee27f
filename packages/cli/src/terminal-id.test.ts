import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { terminalFromProc, terminalFromPs, terminalId } from './terminal-id.ts'

const root = mkdtempSync(join(tmpdir(), 'lmapp-proc-'))
after(() => rmSync(root, { recursive: true, force: true }))

function proc(name: string, own: { session: number; tty: number }, leaderStart: number): string {
  const path = join(root, name)
  mkdirSync(join(path, 'self'), { recursive: true })
  mkdirSync(join(path, String(own.session)), { recursive: true })
  const filler = '0 '.repeat(14)
  writeFileSync(join(path, 'self', 'stat'), `7 (a ) b) S 1 7 ${own.session} ${own.tty} ${filler}99`)
  writeFileSync(join(path, String(own.session), 'stat'), `5 (sh) S 1 5 5 34816 ${filler}${leaderStart} 0`)
  return path
}

describe('this terminal', () => {
  it('is what LMAPP_TERMINAL says, before anything else', () => {
    const all = { LMAPP_TERMINAL: 'mine', TMUX_PANE: '%1', TERM_SESSION_ID: 'x', WT_SESSION: 'y' }
    assert.equal(terminalId(all, 'linux'), 'named:mine')
  })

  it('is the pane or the session of the program that shows it', () => {
    assert.equal(terminalId({ TMUX_PANE: '%1', TERM_SESSION_ID: 'x' }, 'linux'), 'tmux:%1')
    const one = terminalId({ TMUX_PANE: '%1', TMUX: '/tmp/tmux-1/default,100,0' }, 'linux')
    const restarted = terminalId({ TMUX_PANE: '%1', TMUX: '/tmp/tmux-1/default,200,0' }, 'linux')
    assert.notEqual(one, restarted)
    assert.equal(terminalId({ TERM_SESSION_ID: 'x' }, 'darwin'), 'session:x')
    assert.equal(terminalId({ WT_SESSION: 'y' }, 'win32'), 'wt:y')
  })

  it('is the tty with the start of its session leader', () => {
    const first = terminalFromProc(proc('first', { session: 5, tty: 34816 }, 1000))
    const same = terminalFromProc(proc('same', { session: 5, tty: 34816 }, 1000))
    const later = terminalFromProc(proc('later', { session: 5, tty: 34816 }, 2000))
    assert.match(first ?? '', /^tty:34816:5:1000$/)
    assert.equal(first, same)
    assert.notEqual(first, later)
  })

  it('is none where there is no tty', () => {
    assert.equal(terminalFromProc(proc('none', { session: 5, tty: 0 }, 1000)), undefined)
    assert.equal(terminalFromProc(join(root, 'missing')), undefined)
    assert.equal(terminalId({}, 'win32'), 'none')
  })

  it('is found by ps where there is no /proc', () => {
    assert.equal(terminalFromPs(-1), undefined)
    assert.equal(typeof terminalId({}, 'darwin'), 'string')
    assert.equal(typeof terminalId({}, 'linux'), 'string')
  })
})
