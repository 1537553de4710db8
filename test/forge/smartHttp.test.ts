import { parseCgi } from './smartHttp';

describe('parseCgi', () => {
  const answer =
    'Status: 404 Not Found\r\nContent-Type: a: b\r\n\r\none\r\n\r\ntwo';

  it('takes status and headers off the body', () => {
    expect(parseCgi(Buffer.from(answer))).toEqual({
      status: 404,
      headers: [['Content-Type', 'a: b']],
      body: Buffer.from('one\r\n\r\ntwo'),
    });
  });

  it('takes an answer without a status for a success', () => {
    expect(parseCgi(Buffer.from('A: b\r\n\r\n'))).toEqual({
      status: 200,
      headers: [['A', 'b']],
      body: Buffer.alloc(0),
    });
  });

  it('waits for the whole head', () => {
    const head = answer.indexOf('one');
    for (let length = 0; length < head; length++) {
      expect(parseCgi(Buffer.from(answer.slice(0, length)))).toBeUndefined();
    }
  });
});
