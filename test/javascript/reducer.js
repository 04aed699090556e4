// The reducer: the join string that leads to it, the certificate it is known by, and what it is asked for over HTTPS.

import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import { text } from 'node:stream/consumers';

import { Failure } from './failure.js';

const JOIN = /^fedn:\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})\/([0-9A-Fa-f]{64})\/([\w-]+\.[\w-]+\.[\w-]+)$/;

// Read fedn://HOST:PORT/CA/TOKEN. It is a secret, so the message doesn't repeat it.
export function parseJoin(string) {
  const found = JOIN.exec(string.trim());
  if (!found) throw new Failure('invalid_input', 'the join string does not have the form fedn://HOST:PORT/CA/TOKEN');
  const [, ipv6, host, port, fingerprint, token] = found;
  return { host: ipv6 ?? host, port: Number(port), fingerprint: fingerprint.toUpperCase(), token };
}

// The certificate (PEM) of the network's CA. It comes from someone whom nothing vouches for yet; its digest does.
export async function fetchCa({ host, port, fingerprint }) {
  const answer = await request({ host, port, path: '/api/v1/ca', rejectUnauthorized: false });
  let certificate;
  try {
    certificate = new X509Certificate(answer.body);
  } catch {
    throw new Failure('wrong_service', `${host}:${port} answers, but not as a FEDn reducer`);
  }
  if (certificate.fingerprint256.replaceAll(':', '') !== fingerprint) {
    throw new Failure('unauthenticated', `the reducer at ${host}:${port} has another CA than the join string names`);
  }
  return certificate.toString(); // of what came no more than this: a second certificate behind it was not checked
}

// POST JSON, get JSON. The CA is the only one that is trusted.
export async function post({ host, port, token }, ca, path, content) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await request({ host, port, path, ca, headers, method: 'POST' }, JSON.stringify(content));
  const body = JSON.parse(answer.body);
  if (answer.status >= 400) throw new Failure(body.error.code, body.error.message, body.error.hint);
  return body;
}

function request(options, content) {
  return new Promise((resolve, reject) => {
    const failed = (error) => {
      const known = /CERT|SIGNATURE/.test(error.code) ? 'unauthenticated' : 'unavailable';
      reject(new Failure(known, `reducer at ${options.host}:${options.port}: ${error.message}`));
    };
    const call = https.request({ agent: false, timeout: 30_000, ...options }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), failed);
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', failed);
    call.end(content);
  });
}
