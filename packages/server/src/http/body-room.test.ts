import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createBodyRooms } from './body-room.ts'

const mebibyte = 1024 * 1024

it('holds long bodies as long as their requests last, and no more of them than there is room for', () => {
  const rooms = createBodyRooms(10 * mebibyte)
  const first = rooms.open()
  assert.ok(first.holds(2 * mebibyte))
  assert.ok(first.holds(6 * mebibyte), 'it counts once, however often it is asked')
  const second = rooms.open()
  assert.ok(second.holds(4 * mebibyte))
  assert.ok(!second.holds(4 * mebibyte + 1))
  first.close()
  first.close()
  assert.ok(second.holds(10 * mebibyte))
})

it('refuses no body of usual length, whatever the others take', () => {
  const rooms = createBodyRooms(2 * mebibyte)
  assert.ok(rooms.open().holds(2 * mebibyte))
  assert.ok(rooms.open().holds(mebibyte))
  assert.ok(!rooms.open().holds(mebibyte + 1))
})
