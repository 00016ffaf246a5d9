import { byId } from './dom.js';

/**
 * Shows the camera until a picture is taken or the dialog is closed.
 *
 * @param {(file: File) => void} take
 */
export async function openCamera(take) {
  const dialog = byId('camera-dialog');
  const video = byId('camera-picture');
  const stream = await navigator.mediaDevices
    .getUserMedia({ video: { facingMode: 'environment' } })
    .catch((error) => {
      throw new Error(`The camera cannot be used: ${error.message}`);
    });
  video.srcObject = stream;
  const shoot = async () => {
    take(await pictureOf(video));
    dialog.close();
  };
  const close = () => dialog.close();
  byId('shoot').addEventListener('click', shoot);
  byId('camera-close').addEventListener('click', close);
  dialog.addEventListener(
    'close',
    () => {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
      byId('shoot').removeEventListener('click', shoot);
      byId('camera-close').removeEventListener('click', close);
    },
    { once: true },
  );
  dialog.showModal();
}

function pictureOf(video) {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  const time = new Date().toISOString().slice(11, 19).replaceAll(':', '-');
  return new Promise((resolve) => {
    canvas.toBlob(
      (blob) => resolve(new File([blob], `camera-${time}.jpg`, { type: 'image/jpeg' })),
      'image/jpeg',
      0.92,
    );
  });
}
