// SPDX-License-Identifier: LGPL-2.1-or-later
// The picture by WebRTC, and what effvk sees in it from the data channel "results".
'use strict';

const video = document.querySelector('video');
const canvas = document.querySelector('canvas');
const show = (id, text) => { document.getElementById(id).textContent = text; };

// Yellow to red where the label was seen, nothing where it was not.
function drawHeatmap(result) {
  const context = canvas.getContext('2d');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  if (!result.heatmap)
    return;
  const [width, height] = [result['heatmap-width'], result['heatmap-height']];
  const most = Math.max(...result.heatmap);
  const cells = new ImageData(width, height);
  result.heatmap.forEach((cell, i) => {
    const heat = most > 0 ? Math.max(0, cell / most) : 0;
    cells.data.set([255, 255 * (1 - heat), 0, 160 * heat], 4 * i);
  });
  const small = new OffscreenCanvas(width, height);
  small.getContext('2d').putImageData(cells, 0, 0);
  const [x, y, w, h] = result['heatmap-area'];
  context.drawImage(small, x * canvas.width, y * canvas.height, w * canvas.width, h * canvas.height);
}

function showResult(result) {
  show('label', result.labels ? result.labels[0] : '');
  show('score', result.scores ? Math.round(100 * result.scores[0]) + ' %' : '');
  drawHeatmap(result);
}

async function post(path, message) {
  const reply = await fetch(path, { method: 'POST', body: JSON.stringify(message) });
  if (!reply.ok)
    throw new Error(`${path}: ${reply.statusText}`);
  return reply.json();
}

function allCandidates(peer) {
  return new Promise(resolve => {
    const look = () => peer.iceGatheringState === 'complete' && resolve();
    peer.addEventListener('icegatheringstatechange', look);
    look();
  });
}

async function connect() {
  const peer = new RTCPeerConnection();
  peer.ontrack = event => { video.srcObject = event.streams[0] || new MediaStream([event.track]); };
  peer.ondatachannel = event => { event.channel.onmessage = message => showResult(JSON.parse(message.data)); };
  const { viewer, offer } = await post('connect', {});
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  await allCandidates(peer);
  await post('answer', { viewer, answer: peer.localDescription.sdp });
}

connect().catch(error => show('problem', error.message));
