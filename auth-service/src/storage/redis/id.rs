//! Ids as Redis holds them: 22 characters of base64url without padding, in place of the 36 of a UUID.

use base64::{Engine, display::Base64Display, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// Characters of an id.
const LENGTH: usize = 22;

/// The id as text.
pub(super) fn written(id: &Uuid) -> Base64Display<'_, 'static, base64::engine::GeneralPurpose> {
    Base64Display::new(id.as_bytes(), &URL_SAFE_NO_PAD)
}

/// The id with this text; `None` for any text but the one that [`written`] gives.
pub(super) fn read(text: &[u8]) -> Option<Uuid> {
    // Somewhat longer than an id: the decoder counts by whole groups.
    let mut bytes = [0; 18];
    let length = (text.len() == LENGTH).then(|| URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok())??;
    Uuid::from_slice(&bytes[..length]).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff);

    #[test]
    fn an_id_is_22_characters_and_read_back() {
        for id in [ID, Uuid::nil(), Uuid::max()] {
            let text = written(&id).to_string();
            assert_eq!((text.len(), read(text.as_bytes())), (LENGTH, Some(id)), "{text}");
        }
        assert_eq!(written(&ID).to_string(), "AZAAAAAAcACAAAAAAAAA_w");
    }

    #[rstest]
    #[case::bits_that_are_left("AZAAAAAAcACAAAAAAAAA_x")]
    #[case::padded("AZAAAAAAcACAAAAAAAAA_w==")]
    #[case::another_alphabet("AZAAAAAAcACAAAAAAAAA/w")]
    #[case::too_short("AZAAAAAAcACAAAAAAAAA_")]
    #[case::too_long("AZAAAAAAcACAAAAAAAAA_wA")]
    #[case::a_space("AZAAAAAAcACAAAAAAAAA_ ")]
    #[case::a_uuid("01900000-0000-7000-8000-0000000000ff")]
    #[case::nothing("")]
    fn any_other_text_is_no_id(#[case] text: &str) {
        assert_eq!(read(text.as_bytes()), None);
    }
}
